"""What an organisation states for this room: the `[capital]` table of its file."""

from trivium.capital.own._own import ExitTerms, Own, TriggerTerms, read_own

__all__ = ["ExitTerms", "Own", "TriggerTerms", "read_own"]
