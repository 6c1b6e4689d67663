"""The deal ledger as a network for the stress model: what it says of obligations, and balance sheets of the user's."""

from trivium.capital.network._build import DealNetwork, Taken, deal_network
from trivium.capital.network._sheets import Sheets, example_sheets, read_sheets

__all__ = ["DealNetwork", "Sheets", "Taken", "deal_network", "example_sheets", "read_sheets"]
