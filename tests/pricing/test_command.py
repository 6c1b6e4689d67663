"""`trivium price`: exact decimal strings, the claims behind them, tables of usage, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trivium.pricing import PriceBook

Run = Callable[..., tuple[int, str, str]]
REQUEST = ("price", "--surface", "bedrock", "--scope", "us", "--model", "claude-opus-5", "--at", "2026-11-22")
COUNTS = ("--input", "1000", "--output", "500", "--cache-read", "20000", "--cache-write-5m", "300")
# 1000*5.5 + 500*27.5 + 20000*0.55 + 300*6.875 = 5500 + 13750 + 11000 + 2062.5 = 32312.5 per million
AMOUNT = "0.0323125"


def test_json_carries_the_exact_amount_its_lines_and_their_claims(run: Run) -> None:
    code, out, _ = run(*REQUEST, *COUNTS, "--as-of", "2026-11-22", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["amount_usd"] == AMOUNT
    assert [(line["unit"], line["count"], line["rate_usd"], line["amount_usd"]) for line in found["lines"]] == [
        ("input", 1000, "5.5", "0.0055"),
        ("output", 500, "27.5", "0.01375"),
        ("cache_read", 20000, "0.55", "0.011"),
        ("cache_write_5m", 300, "6.875", "0.0020625"),
    ]
    assert (found["at"], found["as_of"]) == ("2026-11-22", "2026-11-22")
    claims = {claim["id"]: claim for claim in found["claims"]}
    for line in found["lines"]:
        assert set(line["claims"]) <= set(claims)
    assert all(source["title"] and source["date"] for claim in claims.values() for source in claim["sources"])


def test_text_shows_the_same_amount_and_where_it_comes_from(run: Run) -> None:
    code, out, _ = run(*REQUEST, *COUNTS)
    assert code == 0
    assert AMOUNT in out
    assert "asked for us" in out
    assert "price.base.claude-opus-5: 5/25" in out
    assert "Anthropic: Pricing, 2026-08-22" in out


def test_names_in_use_elsewhere_are_understood(run: Run) -> None:
    code, out, _ = run("price", "--surface", "aws_claude_platform", "--scope", "us", "--model", "opus-5", "--at",
                       "2026-11-22", "--web-search", "3", "--json")  # fmt: skip
    assert code == 0
    found = json.loads(out)
    assert (found["offer"]["surface"], found["offer"]["model"]) == ("claude-aws", "claude-opus-5")
    assert found["amount_usd"] == "0.03"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((*REQUEST, "--tier", "fast", "--input", "1"), 3, "tiers sold on that day: batch, standard"),
        ((*REQUEST, "--web-search", "1"), 3, "no price for web_search of bedrock"),
        (("price", "--surface", "anthropic", "--model", "claude-opus-5", "--at", "2026-11-22", "--input", "1"), 3,
         "may mean global, us; name one"),
        ((*REQUEST, "--tier", "long_context_gt_100k", "--input", "1"), 2, "bands come from the prompt length alone"),
        (REQUEST, 2, "give at least one count"),
        (("price", "--input", "1"), 2, "--surface"),
        ((*REQUEST, "--input", "-1"), 2, "'--input'"),
        ((*REQUEST, "--input", "1", "--out", "x.csv"), 2, "give it together with --usage"),
        (("price", "--surface", "bedrock", "--model", "claude-opus-5", "--at", "soon", "--input", "1"), 2, "--at"),
        (("price", "--usage", "no-such-file.csv"), 2, "give a file that exists"),
    ],
)  # fmt: skip
def test_what_cannot_be_priced_says_why_and_exits_with_its_code(
    run: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    found, out, err = run(*arguments)
    assert found == code
    assert says in err
    assert not out


def test_a_table_is_priced_with_its_totals_and_written_with_its_amounts(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "usage.csv", tmp_path / "priced.csv"
    path.write_text(
        "surface,scope,model,at,input,output\n"
        "aws_claude_platform,us,opus-5,2026-11-22,1000,500\n"
        "anthropic,global,claude-haiku-5-5,2026-11-22,100001,0\n"
    )
    code, printed, _ = run("price", "--usage", str(path), "--out", str(out), "--json")
    found = json.loads(printed)
    assert code == 0
    assert (found["amount_usd"], found["rows"]) == ("0.0692505", 2)  # 0.01925 + 0.0500005
    assert found["usage"] == {"input": 101_001, "output": 500}
    assert [(item["surface"], item["scope"], item["amount_usd"]) for item in found["offers"]] == [
        ("anthropic", "global", "0.0500005"),
        ("claude-aws", "us", "0.01925"),
    ]
    assert [line.split(",")[6] for line in out.read_text().splitlines()] == ["amount_usd", "0.01925", "0.0500005"]
    code, printed, _ = run("price", "--usage", str(path))
    assert code == 0
    assert "0.0692505" in printed
    path.write_text("surface,scope,model,at,input\nbedrock,us,claude-opus-5,2026-11-22,x\n")
    code, _, err = run("price", "--usage", str(path))
    assert (code, "usage.csv:2: input: 'x': give a whole number" in err) == (2, True)


def test_the_book_the_command_prices_with_is_named(run: Run) -> None:
    from trivium.catalog import load
    from trivium.core import parse_utc

    _, out, _ = run(*REQUEST, "--input", "1", "--as-of", "2026-11-22", "--json")
    snapshot = load().snapshot(parse_utc("2026-11-22").date())
    found = json.loads(out)
    assert found["book_digest"] == PriceBook.from_snapshot(snapshot).digest
    assert found["snapshot_digest"] == snapshot.digest
