"""`trivium conform`: check any gateway against what Claude Code asks of one, with the evidence of each row."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from trivium.core import UserError

_PORTS = 65536
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def command(
    url: Annotated[str, typer.Argument(help="The gateway's address, as ANTHROPIC_BASE_URL would have it.")],
    *,
    key: Annotated[str, typer.Option(help="The environment variable or the file that holds the key.")] = "",
    model: Annotated[str, typer.Option(help="The model to ask for; else the first that the gateway lists.")] = "",
    timeout_s: Annotated[float, typer.Option(min=5.0, help="Seconds that one request may take.")] = 30.0,
    upstream: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Stand in here for the upstream that the gateway is set to.")
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A header of every request, as ANTHROPIC_CUSTOM_HEADERS; no secret."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Check any gateway against the Claude Code contract. Exit 1 if a row failed, 4 if the gateway does not answer.

    Each row is passed, failed, not observed or not applicable, with what was sent and what came back. Four short
    messages are sent, which the gateway's upstream may bill. With --upstream, they go to a stand-in in first-party
    format instead, and the rows about forwarding are seen there; without it, those are not observed.
    """
    from trivium.cli._output import console, print_json
    from trivium.conform import Site, Verdict, check

    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise UserError("URL", url, "give an address such as https://gateway.example.com")
    if "@" in urlsplit(url).netloc:
        raise UserError("URL", "(not shown)", "leave name and password out of the address; give the key with --key")
    site = Site(url, _secret(key), model, timeout_s, upstream=_address(upstream), headers=_headers(header or []))
    rows = asyncio.run(check(site))
    if as_json:
        print_json(rows)
    else:
        from rich.table import Table

        table = Table(show_lines=True)
        for name in ("row", "verdict", "requirement", "evidence"):
            table.add_column(name, no_wrap=name in {"row", "verdict"}, overflow="fold")
        for row in rows:
            table.add_row(*(_plain(text) for text in (row.row, row.verdict.value, row.requirement, row.evidence)))
        console().print(table)
        counts = [sum(row.verdict is verdict for row in rows) for verdict in Verdict]
        parts = (f"{count} {verdict.value}" for count, verdict in zip(counts, Verdict, strict=True))
        console().print(" · ".join(parts))
    if any(row.verdict is Verdict.FAILED for row in rows):
        raise typer.Exit(1)


def _plain(text: str) -> str:
    """Text for a table: brackets of others are no markup."""
    from rich.markup import escape

    return escape(text)


def _headers(pairs: list[str]) -> dict[str, str]:
    """Headers of the user's own by name."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, given, value = (part.strip() for part in pair.partition("="))
        if not given or _HEADER_NAME.fullmatch(name) is None or not value.isprintable() or not value.isascii():
            raise UserError("--header", name, "give NAME=VALUE, such as x-team=core")
        if name.lower() in {"authorization", "x-api-key", "host", "content-length"}:
            raise UserError("--header", name, "this one is the check's own; a key is given with --key")
        found[name.lower()] = value
    return found


def _address(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < _PORTS:
        raise UserError("--upstream", text, "give HOST:PORT, such as 127.0.0.1:9100")
    return host.strip("[]"), int(port)


def _secret(named: str) -> str | None:
    """The key that an environment variable or a file holds; what is given here may be a secret and is never shown."""
    if not named:
        return None
    if (value := os.environ.get(named)) is None:
        try:
            value = Path(named).read_text("utf-8")
        except (OSError, ValueError):
            remedy = "name an environment variable that is set, or a file that can be read; never the key itself"
            raise UserError("--key", "(not shown)", remedy) from None
    if not value.strip().isprintable() or not value.strip().isascii() or not value.strip():
        raise UserError("--key", "(not shown)", "the variable or file must hold one key and nothing else")
    return value.strip()
