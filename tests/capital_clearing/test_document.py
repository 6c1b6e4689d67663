"""Any network given as JSON is cleared; a malformed one is refused by field and remedy, never by a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.capital.clearing import clear, clearing_json, read_system
from trivium.cli.capital._shared import need
from trivium.core import UserError

AMOUNTS: dict[str, Any] = {
    "parties": ["lab", "cloud", "maker"],
    "outside_assets": [18, 20, 5],
    "liabilities": [[0, 30, 0], [0, 0, 21], [0, 0, 0]],
    "outside_liabilities": [0, 10, 12],
    "equity_holdings": [[0, 0, 0], [0.05, 0, 0], [0.10, 0, 0]],
    "alpha": 0.5,
    "beta": [0.5, 0.5, 0.5],
}
SHARES: dict[str, Any] = {
    "parties": ["lab", "cloud", "maker"],
    "outside_assets": [18, 20, 5],
    "debt": [30, 31, 12],
    "debt_holdings": [[0, 0, 0], [1, 0, 0], [0, 21 / 31, 0]],
    "equity_holdings": [[0, 0, 0], [0.05, 0, 0], [0.10, 0, 0]],
    "alpha": 0.5,
    "beta": 0.5,
    "thresholds": [1, 1, 1],
    "failure_costs": [0, 0, 0],
}


def test_amounts_and_shares_say_the_same() -> None:
    first, then = (clearing_json(*map_clear(document)) for document in (AMOUNTS, SHARES))
    for found in (first, then):
        assert found["greatest"]["payments"] == pytest.approx([9, 14.5, 12])
        assert found["greatest"]["recoveries"] == pytest.approx([9 / 30, 14.5 / 31, 1])
        assert found["greatest"]["defaults_by_wave"] == [["lab"], ["cloud"]]
        assert found["unique"] is True
    assert first["assumed"] == ["thresholds: none, nobody fails before it defaults"]
    assert then["greatest"]["failures_by_wave"] == [["lab"], ["cloud"]]


def map_clear(document: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    system, assumed = read_system(json.dumps(document))
    return clear(system), assumed


def without(*fields: str) -> dict[str, Any]:
    return {key: value for key, value in SHARES.items() if key not in fields}


WRONG: list[tuple[dict[str, Any] | str, str]] = [
    ("", "document"),
    ("[1]", "document"),
    ("{" * 100_000, "document"),
    ('{"parties": ["a"], "parties": ["b"]}', "parties"),
    ('{"parties": ["a"], "outside_assets": [NaN], "debt": [1]}', "outside_assets[0]"),
    ('{"parties": ["a"], "outside_assets": [Infinity], "debt": [1]}', "outside_assets[0]"),
    ('{"parties": ["a"], "outside_assets": [1], "debt": [1], "alpha": NaN}', "alpha"),
    ('{"parties": ["a"], "outside_assets": [1e999], "debt": [1]}', "outside_assets[0]"),
    ('{"parties": ["a"], "outside_assets": [1' + "0" * 400 + '], "debt": [1]}', "outside_assets[0]"),
    ({**SHARES, "outside_assets": [1, 2, 1e101]}, "outside_assets[2]"),
    ({**AMOUNTS, "liabilities": [[0, 1e308, 0], [1e308, 0, 0], [0, 0, 0]]}, "liabilities[0][1]"),
    ({**SHARES, "colour": 1}, "colour"),
    (without("parties"), "parties"),
    (without("outside_assets"), "outside_assets"),
    ({"parties": ["a"], "outside_assets": [1]}, "liabilities"),
    ({**SHARES, "liabilities": AMOUNTS["liabilities"]}, "debt"),
    (without("debt"), "debt"),
    (without("thresholds"), "thresholds"),
    (without("failure_costs"), "failure_costs"),
    ({**without("debt", "debt_holdings"), "outside_liabilities": [1, 1, 1]}, "liabilities"),
    ({**SHARES, "parties": []}, "parties"),
    ({**SHARES, "parties": ["a", "b", "a"]}, "parties[2]"),
    ({**SHARES, "parties": ["a", " ", "c"]}, "parties[1]"),
    ({**SHARES, "parties": ["a", 1, "c"]}, "parties[1]"),
    ({**SHARES, "parties": "abc"}, "parties"),
    ({**SHARES, "parties": ["a", "b\n", "c"]}, "parties[1]"),
    ({**SHARES, "parties": ["a", "\ud800", "c"]}, "parties[1]"),
    ({**SHARES, "parties": ["a" * 201, "b", "c"]}, "parties[0]"),
    ({**SHARES, "outside_assets": [1, 2]}, "outside_assets"),
    ({**SHARES, "outside_assets": [1, 2, -3]}, "outside_assets[2]"),
    ({**SHARES, "outside_assets": [1, None, 3]}, "outside_assets[1]"),
    ({**SHARES, "outside_assets": [1, True, 3]}, "outside_assets[1]"),
    ({**SHARES, "outside_assets": [1, "2", 3]}, "outside_assets[1]"),
    ({**SHARES, "debt": [1, -1, 1]}, "debt[1]"),
    ({**SHARES, "debt_holdings": [[0, 0], [0, 0]]}, "debt_holdings"),
    ({**SHARES, "debt_holdings": [[0, 0, 0], [1, 0, 0], [0.1, 0, 0]]}, "debt_holdings column 0 (lab)"),
    ({**SHARES, "debt_holdings": [[0, 0, 0], [-0.1, 0, 0], [0, 0, 0]]}, "debt_holdings[1][0]"),
    ({**SHARES, "equity_holdings": [[0, 0, 0], [0.5, 0, 0], [0.5, 0, 0]]}, "equity_holdings column 0 (lab)"),
    ({**SHARES, "equity_holdings": [[0.1, 0, 0], [0, 0, 0], [0, 0, 0]]}, "equity_holdings[0][0]"),
    ({**SHARES, "alpha": 1.1}, "alpha"),
    ({**SHARES, "alpha": -0.1}, "alpha"),
    ({**SHARES, "beta": [1, 1]}, "beta"),
    ({**SHARES, "beta": "all"}, "beta"),
    ({**SHARES, "thresholds": [1, -1, 1]}, "thresholds[1]"),
    ({**SHARES, "failure_costs": [1, 1, -1]}, "failure_costs[2]"),
    ({**AMOUNTS, "liabilities": [[1, 30, 0], [0, 0, 21], [0, 0, 0]]}, "liabilities[0][0]"),
    ({**AMOUNTS, "liabilities": [[0, -30, 0], [0, 0, 21], [0, 0, 0]]}, "liabilities[0][1]"),
    ({**AMOUNTS, "liabilities": [[0, 30, 0], [0, 0], [0, 0, 0]]}, "liabilities[1]"),
    ({**AMOUNTS, "outside_liabilities": [0, -1, 0]}, "outside_liabilities[1]"),
]


@pytest.mark.parametrize(("document", "field"), WRONG)
def test_a_malformed_network_is_refused_by_its_field(document: dict[str, Any] | str, field: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(UserError) as refused:
        read_system(text)
    assert refused.value.field == field
    assert refused.value.remedy
    assert len(str(refused.value)) < 600


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([AMOUNTS, SHARES]), st.data())
@settings(max_examples=300)
def test_whatever_stands_in_a_field_it_is_cleared_or_refused(document: dict[str, Any], data: st.DataObject) -> None:
    changed = deepcopy(document)
    place: Any = changed
    key: Any = data.draw(st.sampled_from(sorted(changed)))
    while isinstance(place[key], list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.integers(0, len(place) - 1))
    if data.draw(st.booleans()):
        place[key] = data.draw(rubbish)
    else:
        del place[key]
    try:
        system, _ = read_system(json.dumps(changed))
    except UserError as refused:
        assert refused.field  # noqa: PT017  either outcome is right; what may not be is any other error
    else:
        assert clear(system).greatest.verified


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_system(text)


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trivium.cli", "capital", "clear", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_reads_standard_input_and_prints_one_document() -> None:
    done = run("-", "--json", given=json.dumps(AMOUNTS))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["greatest"]["payments"] == pytest.approx([9, 14.5, 12])
    assert found["least"]["defaults_by_wave"] == [["lab"], ["cloud"]]
    named = {**AMOUNTS, "parties": ["[/b]", "[red]cloud", "Société"]}
    assert "[/b]" in run("-", given=json.dumps(named)).stdout
    table = run("-", given=json.dumps(AMOUNTS)).stdout
    assert "the only solution" in table
    assert "46.77%" in table  # 14.5 / 31


def test_the_command_ends_with_2_and_one_line_for_a_malformed_network() -> None:
    done = run("-", "--json", given=json.dumps({**AMOUNTS, "alpha": 2}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "trivium: alpha: 2.0: give a share from 0 to 1\n"
    assert run("no-such-file.json").returncode == 2
    assert run("-", given=json.dumps({**AMOUNTS, "\ud800": 2})).returncode == 2


def test_a_missing_package_is_named_with_its_extra() -> None:
    need("json")
    with pytest.raises(UserError, match=r"install trivium\[capital\]"):
        need("json", "no_such_package_anywhere")
