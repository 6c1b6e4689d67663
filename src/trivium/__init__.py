"""Trivium: the control plane for an organisation that runs Claude on more than one cloud."""

__version__ = "0.1.0"
