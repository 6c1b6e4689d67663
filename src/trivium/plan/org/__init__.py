"""The organisation file: its values, reading and writing it, contracts and quotes."""

from trivium.plan.org._append import add_contracts, contract_state
from trivium.plan.org._begin import Seen, Sight, begin, begun_text
from trivium.plan.org._begin_ask import ask_to_begin
from trivium.plan.org._csv import read_usage_csv
from trivium.plan.org._focus import FocusImport, RowProblem, focus_contracts, read_focus
from trivium.plan.org._form import QUESTIONS, Assessment, Question, ask, from_answers, presets
from trivium.plan.org._quotes import Changed, QuoteState, add_quotes, quote_states, what_expired
from trivium.plan.org._read import MONTHS_MAX, default_organisation, parse_organisation, read_organisation
from trivium.plan.org._request import QuoteRequest, Volume, quote_request, request_markdown
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
    "MONTHS_MAX",
    "QUESTIONS",
    "About",
    "Assessment",
    "Assumption",
    "Changed",
    "Contract",
    "DemandAs",
    "FocusImport",
    "Growth",
    "Microsoft",
    "Needs",
    "Onboarding",
    "Organisation",
    "Question",
    "QuoteRequest",
    "QuoteState",
    "RowProblem",
    "Seen",
    "Sight",
    "Tier",
    "Tuning",
    "Usage",
    "Volume",
    "Workload",
    "add_contracts",
    "add_quotes",
    "ask",
    "ask_to_begin",
    "begin",
    "begun_text",
    "contract_state",
    "default_organisation",
    "focus_contracts",
    "from_answers",
    "money",
    "parse_organisation",
    "presets",
    "quote_request",
    "quote_states",
    "read_focus",
    "read_organisation",
    "read_usage_csv",
    "request_markdown",
    "what_expired",
    "write_organisation",
]
