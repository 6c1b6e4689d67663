"""What each field of the organisation file means, with an example where its default is nothing.

The commented file that `trivium init` writes is made from these words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Word(NamedTuple):
    """The meaning of a field, and an example as TOML; empty where the default is one."""

    meaning: str
    example: str = ""


HEAD = """\
# The organisation file: what your workloads need, what you have signed or been offered, where usage comes from.
# A line with a # before a field shows its default or an example: take the # away to state it. What is not stated is
# assumed, and every report says so. Amounts are decimal strings in USD.
#
# The gateway reads this file too: [surfaces.…], [gateway], [limits.…] and [paths] are its tables (docs/settings.md).
"""

TABLES: Mapping[str, str] = {
    "organisation": "Who decides, how far ahead, and how much the worst cases count.",
    "workloads": "One table a workload; the gateway reads it too. Empty lists mean any.",
    "needs": "What it needs of a platform.",
    "contracts": "Signed commitments, offers and assumptions. `trivium contract import` adds those of a FOCUS dataset.",
    "microsoft": "The Microsoft footprint: seats and credits are another way to buy the same work.",
    "onboarding": "What it takes to open a platform, and to move a workload to it.",
    "usage": "Where usage comes from; without a source, the ledger.",
    "usage.demand": "What the totals of a source's model stand for here.",
}

_GROWTH = '{ low = 0.0, point = 0.03, high = 0.08, note = "who believes it" }'

WORDS: Mapping[tuple[str, str], Word] = {
    ("organisation", "name"): Word("shown on reports", '"Northwind"'),
    ("organisation", "horizon_months"): Word("months to plan ahead, 1 to 120"),
    ("organisation", "risk_weight"): Word("weight of the worst cases: 0 the mean alone, 1 the worst cases alone"),
    ("organisation", "risk_level"): Word("the worst cases are those beyond this share of all"),
    ("organisation", "discount_rate_percent_per_year"): Word("by how much money a year later counts less"),
    ("organisation", "surface_share_max_percent"): Word("of expected spend on one platform"),
    ("organisation", "surfaces_min"): Word("platforms in use at least"),
    ("organisation", "min_stay_months"): Word("a workload that moves stays at least so long"),
    ("organisation", "surfaces"): Word("platforms that may be used at all; none named: every one", '["anthropic"]'),
    ("organisation", "quota_tiers"): Word("your usage tier on a platform", '{ anthropic = "scale" }'),
    ("organisation", "scenarios"): Word("drawn from the demand cone, 10 to 10,000"),
    ("organisation", "seed"): Word("of those draws: the same seed, the same scenarios"),
    ("organisation", "growth"): Word("a month, for workloads without a belief of their own", _GROWTH),
    ("organisation", "nothing_runs"): Word("no surface is in use yet: each has to be opened, and nothing is moved"),
    ("organisation", "growth_ceiling_per_year"): Word("no scenario counts beyond so many times the year before"),
    ("workloads", "owner"): Word("who answers for it", '"team-search"'),
    ("workloads", "models"): Word("its keys may ask for no other", '["claude-sonnet-5"]'),
    ("workloads", "surfaces"): Word("its keys may use no other", '["anthropic"]'),
    ("workloads", "scopes"): Word("its keys may be served in no other region scope", '["eu"]'),
    ("workloads", "cache_loss_usd_max"): Word("a dearer loss of prompt cache is worth a short wait", '"0.50"'),
    ("workloads", "forwards_identity"): Word("a gateway that names its users holds its keys", "true"),
    ("workloads", "hedge_after_ms"): Word("a second surface is asked when a stream is silent for so long", "3000"),
    ("workloads", "tags"): Word("written to each of its events", '{ cost_center = "4100" }'),
    ("needs", "models"): Word("that would do besides the present ones", '["claude-haiku-4-5"]'),
    ("needs", "scopes"): Word("region scopes it may be served in; none named: where it runs now", '["global", "us"]'),
    ("needs", "geography"): Word("us, eu, …: processing must stay there", '"eu"'),
    ("needs", "capabilities"): Word("features it cannot do without, as the claims name them", '["prompt_caching_1h"]'),
    ("needs", "attestations"): Word("hipaa_baa, fedramp, dod_il, soc2, iso27001, pci, …: must be shown", '["soc2"]'),
    ("needs", "data_terms"): Word("zdr, training_use, eu_data_boundary, …: must be shown", '["zdr"]'),
    ("needs", "latency_ms_p95"): Word("to the first token", "1500"),
    ("needs", "availability_percent"): Word("that is needed", "99.5"),
    ("needs", "batchable_percent"): Word("share of its requests that may wait a day"),
    ("needs", "growth"): Word("believed a month: one in ten below low, one in ten above high", _GROWTH),
    ("needs", "tuning"): Word(
        "a tuned model is wanted, on this model if that matters",
        '{ wanted_from = 2027-01-01, wanted_until = 2027-12-31, model = "claude-haiku-4-5" }',
    ),
    ("needs", "place"): Word(
        "where it is used: api, ide, terminal, microsoft-365, teams, github, copilot-studio", '"api"'
    ),
    ("needs", "users"): Word("people who use it: seats are compared for them", "50"),
    ("needs", "seat_surfaces"): Word(
        "github-copilot, m365-copilot, copilot-studio: could buy the same work", '["github-copilot"]'
    ),
    ("needs", "continuity_percent"): Word("share that must go on if its platform fails", "100"),
    ("needs", "note"): Word("for readers", '"why it needs this"'),
    ("microsoft", "m365_seats"): Word("seats of Microsoft 365"),
    ("microsoft", "m365_copilot_seats"): Word("seats of Microsoft 365 Copilot"),
    ("microsoft", "github_copilot_seats"): Word("seats of GitHub Copilot"),
    ("microsoft", "github_copilot_plan"): Word("of those seats"),
    ("microsoft", "copilot_studio_credits_per_month"): Word("bought a month"),
    ("microsoft", "entra"): Word("identities are in Entra"),
    ("microsoft", "eu_data_boundary"): Word("the tenant is within it"),
    ("microsoft", "m365_copilot_usd_per_seat_month"): Word("yours to fill: no price is taken for it", '"12.34"'),
    ("microsoft", "github_copilot_usd_per_seat_month"): Word("if not the public price", '"12.34"'),
    ("microsoft", "copilot_studio_usd_per_month"): Word("what those credits cost you", '"12.34"'),
    ("microsoft", "macc_remaining_usd"): Word("of an Azure commitment", '"100000"'),
    ("microsoft", "exports"): Word("reports that `trivium seats` reads, relative to this file", '["seats.csv"]'),
    ("onboarding", "days_low"): Word("of work to open it, at least"),
    ("onboarding", "days_high"): Word("of work to open it, at most"),
    ("onboarding", "usd_per_day"): Word("of work"),
    ("onboarding", "fees_usd"): Word("paid once"),
    ("onboarding", "weeks"): Word("until the first request may go there"),
    ("onboarding", "done"): Word("it is in use already"),
    ("onboarding", "switch_days_per_workload"): Word("of work to move a workload to it"),
    ("usage", "trace"): Word("a file that `trivium ledger import` reads, relative to this file", '"requests.csv.gz"'),
    ("usage", "csv"): Word("a table of totals by day or month, read with columns", '"usage.csv"'),
    ("usage", "columns"): Word("our field = their column", '{ period = "Month", input_tokens = "Prompt tokens" }'),
    ("usage", "profile"): Word("`shipped`, or a profile file", '"shipped"'),
    ("usage", "requests_per_month"): Word("a profile is scaled to this", "100000"),
    ("usage", "history"): Word(
        "earlier totals by workload, of days or months that are over; for the demand cone", '"history.csv"'
    ),
    ("usage.demand", "workload"): Word("the name it gets here", '"search"'),
    ("usage.demand", "model"): Word("the Claude it would run on", '"claude-sonnet-5"'),
    ("usage.demand", "surface"): Word("where it would run"),
    ("usage.demand", "scope"): Word("where it would be served"),
    ("usage.demand", "percent"): Word("of the source's volume"),
    ("usage.demand", "tokens_percent"): Word("Claude tokens for a hundred of the source's"),
    ("usage.demand", "peak_over_mean"): Word("busiest minute against the mean of its span"),
    ("contracts", "kind"): Word("spend-commitment, discount, volume-tiers, provisioned or reserved", '"discount"'),
    ("contracts", "surfaces"): Word("it holds for", '["bedrock"]'),
    ("contracts", "status"): Word("signed: it counts; offered: it is judged; assumed: as offered, and marked"),
    ("contracts", "form"): Word("take-or-pay: a shortfall is paid; covered: the amount buys use at the discount"),
    ("contracts", "starts"): Word("the day of the plan if not given", "2026-12-01"),
    ("contracts", "term_months"): Word("how long it holds, 1 to 120"),
    ("contracts", "notice_days"): Word("before its end"),
    ("contracts", "renews"): Word("unless notice is given"),
    ("contracts", "discount_percent"): Word("off list prices"),
    ("contracts", "commitment_usd_per_year"): Word("signed: the amount; offered: the least", '"300000"'),
    ("contracts", "commitment_usd_per_year_max"): Word("offered: the most", '"1500000"'),
    ("contracts", "levels"): Word(
        "offered: commit so much for such a discount", '[{ from_usd = "600000", discount_percent = 5 }]'
    ),
    ("contracts", "remaining_usd"): Word("of a signed commitment's present year; all of it if not given", '"120000"'),
    ("contracts", "counts_percent"): Word("share of the spend on Claude that burns it down"),
    ("contracts", "other_spend_usd_per_year"): Word("other spend that burns it down, whatever Claude does"),
    ("contracts", "stacks"): Word("dollars that another commitment counts burn it down too"),
    ("contracts", "tiers"): Word(
        "volume-tiers: the discount on what is above a yearly spend", '[{ from_usd = "100000", discount_percent = 3 }]'
    ),
    ("contracts", "model"): Word("provisioned, reserved: of which model", '"claude-sonnet-5"'),
    ("contracts", "scope"): Word("provisioned, reserved: served where"),
    ("contracts", "unit_tokens_per_minute"): Word("what one unit carries, in input tokens", "20000"),
    ("contracts", "output_weight"): Word("an output token counts as so many input tokens against a unit"),
    ("contracts", "price_usd_per_unit_hour"): Word("not public: your quote", '"12.34"'),
    ("contracts", "units_min"): Word("the least that is sold"),
    ("contracts", "source"): Word("document, page, or person and day", '"Offer 2026-118"'),
    ("contracts", "expires"): Word("of an offer: the last day on which it can be signed", "2027-01-31"),
    ("contracts", "note"): Word("for readers", '"already served by other spend"'),
}

CONTRACTS = """
[contracts.signed-commitment]
kind = "spend-commitment"
surfaces = ["foundry"]
status = "signed"
starts = 2026-07-01
term_months = 36
notice_days = 90
commitment_usd_per_year = "120000"
other_spend_usd_per_year = "180000"  # other spend on that cloud that burns it down

[contracts.offered-commitment]
kind = "spend-commitment"
surfaces = ["bedrock"]
term_months = 24
levels = [{ from_usd = "600000", discount_percent = 5 }, { from_usd = "1200000", discount_percent = 8 }]
source = "Offer 2026-118"
expires = 2027-01-31  # the last day on which it can be signed

[contracts.offered-capacity]
kind = "provisioned"
surfaces = ["bedrock"]
model = "claude-sonnet-5"
unit_tokens_per_minute = 20000
price_usd_per_unit_hour = "12.34"  # not public: your quote
"""

DEMAND = (
    'workload = "search"',
    'model = "claude-sonnet-5"',
    "percent = 100  # of the source's volume",
)
