"""A network file is read strictly, in TOML or JSON, and what is wrong is named."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.capital.stress import example_text, read_network
from trivium.core import UserError

EXAMPLE = tomllib.loads(example_text())


def test_toml_and_json_say_the_same_and_amounts_are_spread_over_quarters() -> None:
    network, scenarios = read_network(example_text())
    assert read_network(json.dumps(EXAMPLE)) == (network, scenarios)
    assert len(scenarios) == 8
    assert network.parties[0].income[4] == pytest.approx(1.7 * 1.9)
    assert network.obligations[1].due == (0.6,) * 8


def test_the_example_says_that_it_is_invented() -> None:
    assert "invented" in example_text().splitlines()[0]
    assert "invented" in EXAMPLE["about"]


def changed(table: str, **fields: Any) -> dict[str, Any]:
    found = deepcopy(EXAMPLE)
    found[table][0].update(fields)
    return found


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("{", "document"),
        ("= 1", "document"),
        ("", "quarters"),
        ({**EXAMPLE, "colour": 1}, "colour"),
        ({**EXAMPLE, "quarters": 0}, "quarters"),
        ({**EXAMPLE, "quarters": True}, "quarters"),
        ({**EXAMPLE, "notice": "soon"}, "notice"),
        ({**EXAMPLE, "cure_quarters": 1.5}, "cure_quarters"),
        ('{"quarters": 4, "quarters": 8}', "quarters"),
        ({**EXAMPLE, "parties": []}, "parties"),
        ({**EXAMPLE, "parties": "all"}, "parties"),
        ({**EXAMPLE, "scenarios": ["fall"]}, "scenario"),
        ({**EXAMPLE, "scenarios": "withhold"}, "scenarios"),
        ({**EXAMPLE, "discount_per_year": -0.1}, "network.discount_per_year"),
        (changed("obligations", kind=["debt"]), "obligations[0].kind"),
        (changed("parties", name="Birch Cloud"), "parties"),
        (changed("parties", name=1), "parties[0].name"),
        (changed("parties", cash="much"), "parties[0].cash"),
        (changed("parties", cash=float("nan")), "parties[0].cash"),
        (changed("parties", cash=-1), "parties[0].cash"),
        (changed("parties", alpha=1.5), "parties[0].alpha"),
        (changed("parties", listed=1), "parties[0].listed"),
        (changed("parties", income=[1, 2]), "parties[0].income"),
        (changed("parties", growth_per_year=-2), "parties[0].income"),
        (changed("parties", wealth=1), "parties[0].wealth"),
        (changed("obligations", kind="gift"), "obligations[0].kind"),
        (changed("obligations", creditor="nobody"), "obligations[0].creditor"),
        (changed("obligations", creditor="Aster Lab"), "obligations[0]"),
        (changed("obligations", due=-1), "obligations[0].due"),
        (changed("obligations", rank=0), "obligations[0].rank"),
        (changed("obligations", rank=1.5), "obligations[0].rank"),
        (changed("obligations", avoidable=0.8), "obligations[0].resale"),
        (changed("obligations", name="Dogwood loan"), "obligations"),
        (changed("holdings", share=1.0), "equity_holdings column 0 (Aster Lab)"),
        (changed("tranches", investor="nobody"), "tranches[0].investor"),
        (changed("services", party="nobody"), "services[0]"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, Any] | str, field: str) -> None:
    from trivium.capital.stress import run_stress

    with pytest.raises(UserError) as refused:
        run_stress(read_network(document if isinstance(document, str) else json.dumps(document))[0])
    assert refused.value.field == field


def test_a_missing_field_is_named() -> None:
    document = deepcopy(EXAMPLE)
    del document["obligations"][0]["due"]
    with pytest.raises(UserError, match=r"obligations\[0\].due"):
        read_network(json.dumps(document))


rubbish = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=3)
)


@given(st.data())
@settings(max_examples=150)
def test_whatever_stands_in_a_field_it_is_read_or_refused(data: st.DataObject) -> None:
    document = deepcopy(EXAMPLE)
    key = data.draw(st.sampled_from(sorted(document)))
    if isinstance(document[key], list) and data.draw(st.booleans()) and isinstance(document[key][0], dict):
        row = data.draw(st.sampled_from(document[key]))
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(rubbish)
    else:
        document[key] = data.draw(rubbish)
    try:
        read_network(json.dumps(document))
    except UserError as refused:
        assert refused.field  # noqa: PT017  either outcome is right; what may not be is any other error


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trivium.cli", "capital", "stress", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_prints_one_document() -> None:
    done = run("-", "--json", "--scenario", "withhold", given=example_text())
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["runs"][0]["scenario"] == "withhold"
    assert len(found["runs"][0]["parties"]) == 6
    assert "no probability" in found["note"]


def test_the_command_ends_with_2_for_wrong_input() -> None:
    assert run().returncode == 2
    assert run("-", "--example").returncode == 2
    assert run("--example", "--scenario", "fall").returncode == 2
    assert run("-", given="quarters = 0").stderr.startswith("trivium: quarters: 0: ")
