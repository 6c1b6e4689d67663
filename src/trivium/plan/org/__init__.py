"""The organisation file: its values, reading and writing it, contracts and quotes."""

from trivium.plan.org._values import (
    About,
    Assumption,
    Contract,
    DemandAs,
    Growth,
    Microsoft,
    Needs,
    Onboarding,
    Organisation,
    Tier,
    Tuning,
    Usage,
    Workload,
    money,
)

__all__ = [
    "About",
    "Assumption",
    "Contract",
    "DemandAs",
    "Growth",
    "Microsoft",
    "Needs",
    "Onboarding",
    "Organisation",
    "Tier",
    "Tuning",
    "Usage",
    "Workload",
    "money",
]
