"""The classes of disagreement: C… as public price tables showed them, T… for what the comparison itself can tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DisagreementClass:
    """A kind of error: its id, its name, what it means, how much it matters, who is probably wrong if we are sure."""

    id: str
    name: str
    meaning: str
    severity: str
    probably_wrong: str = "table"


_ALL = (
    DisagreementClass(
        "C01",
        "missing regional premium",
        "a geographic or regional offer carries the global price; the premium of the region is missing",
        "high",
    ),
    DisagreementClass("C02", "wrong multiple", "a regional offer carries a whole multiple of its price", "high"),
    DisagreementClass("C03", "cache write equals read", "a cache write carries the price of a cache read", "high"),
    DisagreementClass(
        "C05",
        "announced change encoded",
        "a change of price that was announced, and is withdrawn or not yet in force, stands in the table",
        "high",
    ),
    DisagreementClass(
        "C06", "batch copied from a sibling", "a batch price is another model's, not half of the own price", "high"
    ),
    DisagreementClass("C07", "stale price", "the price of a window that has ended", "high"),
    DisagreementClass(
        "C08",
        "stale alias or sibling's price",
        "a `-latest` alias keeps an ended price, or the row of one model carries another's",
        "high",
    ),
    DisagreementClass("C09", "sibling's 1-hour write", "a 1-hour cache write carries another model's price", "high"),
    DisagreementClass(
        "C10", "missed cut of cache reads", "the row is current but its cache read has been cut", "medium"
    ),
    DisagreementClass(
        "C11", "fast multiplier not applied", "a fast price lacks the fast multiplier, or that of its region", "high"
    ),
    DisagreementClass("C12", "phantom model", "no claim knows this model", "high"),
    DisagreementClass(
        "C13",
        "ambiguous unprefixed id",
        "an id without a region prefix carries the global price; a call in a region costs the premium",
        "medium",
        "open",
    ),
    DisagreementClass(
        "C15",
        "wrong date in the id",
        "the id carries a date from before the model was sold, and a price of its own",
        "medium",
    ),
    DisagreementClass("C16", "rounded", "the price was rounded", "low"),
    DisagreementClass("C17", "tool price multiplied", "a tool is charged a multiple on another tier", "medium"),
    DisagreementClass("C22", "cache write quoted as input", "the input price is the price of a cache write", "high"),
    DisagreementClass("C24", "off by a power of ten", "the decimal point is misplaced", "high"),
    DisagreementClass(
        "C27", "prompt-length band dropped", "one price for all prompts where long prompts pay another", "high"
    ),
    DisagreementClass(
        "C28",
        "tenth of input assumed for reads",
        "cache reads at 0.1 of input where the model has a lower factor",
        "high",
    ),
    DisagreementClass("C29", "import date as start", "the price is said to start later than it did", "low"),
    DisagreementClass(
        "C30",
        "profile not in the price list",
        "a priced geographic profile that the price list does not carry",
        "low",
        "open",
    ),
    DisagreementClass(
        "T01",
        "batch is not half",
        "the batch price is not half of the price we know, and no sibling explains it",
        "high",
    ),
    DisagreementClass("T02", "wrong unit scale", "per token, per thousand or per million confused", "high"),
    DisagreementClass("T03", "retired, still listed", "the offer ended; its last price stands", "low"),
    DisagreementClass("T04", "premium where none is due", "a global offer carries a regional price", "medium"),
    DisagreementClass("T05", "unexplained", "the prices differ and no known pattern explains it", "medium"),
    DisagreementClass("T07", "zero for a price", "the table gives 0 where a price is paid", "medium"),
    DisagreementClass(
        "T06", "unknown future change", "the table holds a change to come that we do not know of", "medium", "us"
    ),
)

CLASSES = {entry.id: entry for entry in _ALL}
