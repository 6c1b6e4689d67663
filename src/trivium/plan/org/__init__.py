"""The organisation file: its values, reading and writing it, contracts and quotes."""

from trivium.plan.org._csv import read_usage_csv
from trivium.plan.org._read import default_organisation, parse_organisation, read_organisation
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
from trivium.plan.org._write import write_organisation

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
    "default_organisation",
    "money",
    "parse_organisation",
    "read_organisation",
    "read_usage_csv",
    "write_organisation",
]
