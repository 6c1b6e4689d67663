"""Stress: scenarios over a network of balance sheets, obligations, stakes, promises and guarantees."""

from trivium.capital.clearing import Tranche
from trivium.capital.stress._paths import InTime, Paths, run_paths
from trivium.capital.stress._read import example_text, parse_document, read_network, read_parts
from trivium.capital.stress._scenarios import (
    Cancel,
    CreditStop,
    Default,
    Mark,
    Outage,
    Resale,
    Scenario,
    Stall,
    Together,
    Withhold,
    parse_scenario,
    scenario_words,
)
from trivium.capital.stress._stress import End, Outcome, Stress, run_stress
from trivium.capital.stress._value import CHANNELS
from trivium.capital.stress._values import Guarantee, Holding, Network, Obligation, Party, Service

__all__ = [
    "CHANNELS",
    "Cancel",
    "CreditStop",
    "Default",
    "End",
    "Guarantee",
    "Holding",
    "InTime",
    "Mark",
    "Network",
    "Obligation",
    "Outage",
    "Outcome",
    "Party",
    "Paths",
    "Resale",
    "Scenario",
    "Service",
    "Stall",
    "Stress",
    "Together",
    "Tranche",
    "Withhold",
    "example_text",
    "parse_document",
    "parse_scenario",
    "read_network",
    "read_parts",
    "run_paths",
    "run_stress",
    "scenario_words",
]
