"""The shape of real sessions as figures, and seeded sessions drawn from those figures."""

from trivium.lab.profile._draw import draw
from trivium.lab.profile._measure import measure
from trivium.lab.profile._model import Profile, agent, load_profile, shipped_profile, totals

__all__ = ["Profile", "agent", "draw", "load_profile", "measure", "shipped_profile", "totals"]
