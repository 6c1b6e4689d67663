"""A begun file: every field stands in it, each comment can be taken away, and what was stated or seen is in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trivium import catalog
from trivium.app.settings import parse_settings
from trivium.cli._main import root
from trivium.core import Closed, ManualClock, Offer, Opened, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.ledger import Ledger
from trivium.plan.org import (
    About,
    Microsoft,
    Needs,
    Onboarding,
    Question,
    Seen,
    Sight,
    Workload,
    ask_to_begin,
    begin,
    begun_text,
    default_organisation,
    parse_organisation,
    read_organisation,
)
from trivium.plan.org import Usage as UsageSource

FIELD = re.compile(r"# (\w+) = ")
SIGHT = Sight(
    (
        Seen("search", Offer("bedrock", "eu", "claude-opus-5"), 1200, "34.5 USD"),
        Seen("search", Offer("anthropic", "global", "claude-opus-5"), 10, "0.1 USD"),
    ),
    ("m-large",),
)


def loaded(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def taken_away(text: str) -> Iterator[tuple[str, str]]:
    """(field, the file with the one comment before it taken away), for every field in a comment."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = FIELD.match(line)
        if found:
            yield found[1], "\n".join([*lines[:number], line.removeprefix("# "), *lines[number + 1 :]])


def test_every_field_of_a_begun_file_can_be_stated_by_taking_its_comment_away() -> None:
    text = begun_text(begin({}, ["search"], SIGHT), SIGHT)
    named = set()
    before, _, after = text.partition("# Signed commitments")
    rest = after.partition("# The Microsoft")[2].partition("# seen: totals")[0]
    for field, changed in taken_away(f"{before}# The Microsoft{rest}"):
        assert parse_organisation(loaded(changed), catalog.model_id), field
        named.add(field)
    fields = {field for kind in (About, Workload, Needs, Microsoft, UsageSource) for field in kind.__struct_fields__}
    assert fields - named == {"needs", "demand"}  # tables of their own


def test_a_begun_file_states_nothing_that_was_not_said() -> None:
    bare = {item.field for item in default_organisation().assumed}
    begun = {item.field for item in parse_organisation(loaded(begun_text(default_organisation()))).assumed}
    assert begun == bare
    text = begun_text(begin({}, ["search"]))
    stated = text.replace("# risk_weight", "risk_weight").replace("# batchable_percent", "batchable_percent")
    gone = {item.field for item in parse_organisation(loaded(text)).assumed} - {
        item.field for item in parse_organisation(loaded(stated)).assumed
    }
    assert gone == {"organisation.risk_weight", "workloads.search.needs.batchable_percent"}


def test_the_examples_in_comments_read_as_they_stand() -> None:
    text = begun_text(default_organisation(), Sight((), ("m-large",)))
    start = text.index("# [contracts.")
    examples = text[start : text.index("# The Microsoft")]
    found = parse_organisation(loaded(re.sub(r"^# ?", "", examples, flags=re.MULTILINE)), catalog.model_id)
    assert {entry.kind for entry in found.contracts.values()} == {"spend-commitment", "provisioned"}
    demand = text[text.index("# [usage.demand.") :]
    assert "m-large" in parse_organisation(loaded(re.sub(r"^# ?", "", demand, flags=re.MULTILINE))).usage.demand
    workload = text[text.index("# [workloads.") : text.index("# Signed")]
    assert list(parse_organisation(loaded(re.sub(r"^# ?\[", "[", workload, flags=re.MULTILINE))).workloads)
    onboarding = text[text.index("# [onboarding.") : text.index("# Where usage")]
    lines = re.sub(r"^# ?", "", onboarding, flags=re.MULTILINE)
    assert parse_organisation(loaded(lines)).onboarding["anthropic"] == Onboarding()


def test_what_the_ledger_saw_is_shown_but_narrows_nothing() -> None:
    organisation = begin({}, (), SIGHT)
    text = begun_text(organisation, SIGHT)
    assert "# seen: claude-opus-5 on bedrock/eu, 1,200 requests, 34.5 USD" in text
    assert "# seen: totals of m-large" in text
    found = parse_organisation(loaded(text))
    assert found.workloads == {"search": Workload()}
    assert found.onboarding == {"bedrock": Onboarding(done=True), "anthropic": Onboarding(done=True)}


NAMES = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=12)
stated = st.fixed_dictionaries(
    {},
    optional={
        "organisation.name": st.text(
            st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=12
        ).map("n {}".format),
        "organisation.horizon_months": st.integers(1, 120).map(str),
        "workloads.a-b.needs.geography": st.sampled_from(["us", "eu"]),
        "workloads.a-b.needs.attestations": st.just('["soc2"]'),
        "microsoft.m365_seats": st.integers(0, 9).map(str),
        "onboarding.vertex.days_low": st.just("2"),
        "contracts.d.kind": st.just("discount"),
    },
)


@given(stated)
def test_the_text_reads_back_as_what_was_begun(told: dict[str, str]) -> None:
    if "contracts.d.kind" in told:
        told["contracts.d.surfaces"] = '["vertex"]'
    organisation = begin(told, ["chat"])
    found = parse_organisation(loaded(begun_text(organisation)))
    for table in ("about", "workloads", "contracts", "microsoft", "onboarding", "usage"):
        assert getattr(found, table) == getattr(organisation, table)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"organisation.horizn": "3"}, "organisation.horizn"),
        ({"organisation.horizon_months": "soon"}, "organisation.horizon_months"),
        ({"workloads.a.needs.batchable_percent": "200"}, "workloads.a.needs.batchable_percent"),
        ({"horizon months": "3"}, "horizon months"),
        ({"organisation.name": "a\nb"}, "organisation.name"),
    ],
)
def test_what_cannot_be_stated_is_refused_by_its_path(told: dict[str, str], field: str) -> None:
    with pytest.raises(UserError) as caught:
        begin(told)
    assert caught.value.field == field


def test_answers_become_fields_and_empty_ones_state_nothing() -> None:
    said = {
        "workloads": "search, my bot",
        "organisation.name": "Northwind",
        "organisation.growth": "0/3/8",
        "onboarding": "anthropic, bedrock",
        'workloads."my bot".needs.attestations': "hipaa_baa, soc2",
        "workloads.search.needs.users": "40",
    }

    def prompt(question: Question) -> str:
        return said.get(question.id, question.default)

    names, told = ask_to_begin(prompt)
    assert names == ("search", "my bot")
    organisation = begin(told, names)
    assert organisation.about.name == "Northwind"
    assert organisation.about.growth is not None
    assert organisation.about.growth.high == Decimal("0.08")
    assert organisation.workloads["my bot"].needs.attestations == ("hipaa_baa", "soc2")
    assert organisation.workloads["search"].needs == Needs(users=40)
    assert sorted(organisation.onboarding) == ["anthropic", "bedrock"]
    assert "organisation.horizon_months" in {item.field for item in organisation.assumed}
    said["onboarding"] = "azure"
    with pytest.raises(UserError, match="foundry"):
        ask_to_begin(prompt)


def test_the_command_writes_without_a_terminal_and_never_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    arguments = ["init", "--organisation", str(path), "--workload", "search", "--set", "organisation.name=Northwind"]
    done = CliRunner().invoke(root, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert (document["organisation"]["name"], list(document["workloads"])) == ("Northwind", ["search"])
    assert read_organisation(path).about.name == "Northwind"
    again = CliRunner().invoke(root, arguments)
    assert isinstance(again.exception, UserError)
    assert "--add" in again.exception.remedy
    assert CliRunner().invoke(root, [*arguments, "--force"]).exit_code == 0


def test_adding_keeps_the_gateways_tables_and_states_only_what_was_missing(tmp_path: Path) -> None:
    path = tmp_path / "trivium.toml"
    ours = (
        '# ours\n[surfaces.anthropic]\ncredential = { kind = "api-key", env = "KEY" }\n\n'
        '[workloads.search]  # by hand\nmodels = ["claude-opus-5"]\n'
    )
    path.write_text(ours)
    arguments = ["init", "--organisation", str(path), "--add", "--workload", "search", "--workload", "chat"]
    done = CliRunner().invoke(root, [*arguments, "--set", "workloads.search.needs.geography=eu"])
    assert done.exit_code == 0, done.output
    assert path.read_text().startswith(ours)
    found = read_organisation(path)
    assert found.workloads["search"] == Workload(models=("claude-opus-5",), needs=Needs(geography="eu"))
    assert found.workloads["chat"] == Workload()
    assert parse_settings(tomllib.loads(path.read_text())).workloads["search"].models == ("claude-opus-5",)
    lost = CliRunner().invoke(root, [*arguments, "--set", "workloads.search.owner=us"])
    assert isinstance(lost.exception, UserError)
    assert lost.exception.field == "workloads.search.owner"


def test_the_command_begins_from_the_ledger(tmp_path: Path) -> None:
    db, path = tmp_path / "ledger.db", tmp_path / "trivium.toml"
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    opened = Opened("e1", "r1", 1, at, Offer("bedrock", "eu", "claude-opus-5"), "search")
    closed = Closed("e1", at, Outcome.OK, Usage(10, 5), Quality.EXACT)
    with Ledger.open(db, clock=ManualClock(at)) as ledger:
        ledger.append([UsageEvent(opened, closed)])
    done = CliRunner().invoke(root, ["init", "--organisation", str(path), "--from-ledger", "--db", str(db)])
    assert done.exit_code == 0, done.output
    text = path.read_text()
    assert "# seen: claude-opus-5 on bedrock/eu, 1 requests, 0 USD and 1 attempts without a price" in text
    assert read_organisation(path).onboarding["bedrock"].done
