"""Circular flow: how much of what investors put in comes back to them as purchases."""

from trivium.capital.flow._circulation import Network, NotProved, circulation
from trivium.capital.flow._cycles import elementary_cycles, pair_weights
from trivium.capital.flow._document import flow_document
from trivium.capital.flow._edges import Worth, money_edges
from trivium.capital.flow._flow import circular_flow, rows_moved
from trivium.capital.flow._modelled import pass_through
from trivium.capital.flow._null import null_model
from trivium.capital.flow._pairs import round_trips
from trivium.capital.flow._values import Circulation, Cycle, Edge, Flow, NullModel, Returned, RoundTrip, Year

__all__ = [
    "Circulation",
    "Cycle",
    "Edge",
    "Flow",
    "Network",
    "NotProved",
    "NullModel",
    "Returned",
    "RoundTrip",
    "Worth",
    "Year",
    "circular_flow",
    "circulation",
    "elementary_cycles",
    "flow_document",
    "money_edges",
    "null_model",
    "pair_weights",
    "pass_through",
    "round_trips",
    "rows_moved",
]
