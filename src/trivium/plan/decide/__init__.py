"""Deciding: organisation, demand, prices and evidence become a placement with its reasons."""

from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._choose import Chosen, choose
from trivium.plan.decide._compose import decide
from trivium.plan.decide._frame import Framed, Given, frame
from trivium.plan.decide._history import read_history
from trivium.plan.decide._names import check_names
from trivium.plan.decide._routes import DryRun, RouteChange, Unrouted, diff_routes, dry_run, unrouted
from trivium.plan.decide._voices import Evidence, Voices, speaking
from trivium.plan.decide._whatif import Change, WhatIf, what_if

__all__ = [
    "Change",
    "Chosen",
    "DryRun",
    "Evidence",
    "Framed",
    "Given",
    "Offered",
    "Risk",
    "RouteChange",
    "Unrouted",
    "Voices",
    "WhatIf",
    "check_names",
    "choose",
    "decide",
    "diff_routes",
    "dry_run",
    "frame",
    "read_history",
    "speaking",
    "unrouted",
    "what_if",
]
