"""A run as measured claims: a table in the catalogue's own form, to be laid over the shipped ones."""

from __future__ import annotations

import csv
import io

from trivium.certify._compare import Aspect
from trivium.certify._report import verdict
from trivium.certify._run import Report

_COLUMNS = ("id", "surface", "models", "predicate", "value", "status", "from", "seen", "source", "note")
_CONFIRMED = "yes"


def claims_csv(report: Report) -> str:
    """`fidelity` of the surface, `fidelity:ASPECT` for each aspect, and the capabilities that an answer showed.

    Nothing is claimed of what was refused: an account may lack what the surface has. What was asked at another address
    than the surface's own is `unconfirmed`: it may have been a proxy, or a stand-in.
    """
    grade = "measured" if report.public else "unconfirmed"
    day = report.started_at.date().isoformat()
    mark = f"certify.{report.surface}.{day}.{report.digest[:12]}"
    source = f"trivium certify, run of {day}, recording sha256:{report.digest}"
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(_COLUMNS)

    def claim(name: str, models: str, predicate: str, value: str, note: str = "") -> None:
        table.writerow([f"{mark}.{name}", report.surface, models, predicate, value, grade, day, day, source, note])

    about = f"the lab against the live surface, with {report.model}"
    claim("fidelity", "", "fidelity", verdict(report), about)
    for aspect in Aspect:
        same, of = report.count(aspect)
        if of:
            name = aspect.name.lower()
            claim(f"fidelity.{name}", "", f"fidelity:{name}", f"same in {same} of {of} calls", about)
    for row in report.rows:
        if row.confirmed:
            claim(row.confirmed, "" if row.call.endpoint == "raw" else report.model, row.confirmed, _CONFIRMED)
    return report.guard.scrub(written.getvalue())
