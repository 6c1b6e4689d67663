"""The append-only record of usage and its ratings."""
