"""Files that are none of their kind, whatever a command reads them for: refused by name, with nothing made."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from trivium.cli._main import root
from trivium.cli.plan import _route_table
from trivium.core import UserError

CONTENTS = {
    "empty": b"",
    "binary": bytes(range(256)),
    "nested": b"[" * 100_000,
    "nul.csv": b"period,workload\n\x00,\x00\n",
    "long.csv": b'"' + b"x" * 200_000,
    "null.json": b"null",
    "other.json": b'{"ahead": {"format": "trivium-decision/99", "at": "2026-01-01"}}',
}
READERS = {
    "contract import": ["contract", "import"],
    "seats": ["seats"],
    "compare": ["compare", "FILE"],
    "assess --form": ["assess", "--at", "2026-11-20", "--form"],
    "quote add": ["quote", "add", "--overlay", "OVERLAY"],
    "plan --trace": ["plan", "--trace"],
    "plan --organisation": ["plan", "--at", "2026-11-20", "--organisation"],
}
NOTHING_SAID = {("assess --form", "empty"), ("plan --organisation", "empty")}  # every default is taken


@pytest.mark.parametrize("suffix", [".csv", ".json"])
@pytest.mark.parametrize(
    ("reader", "content"),
    [(reader, content) for reader in READERS for content in CONTENTS if (reader, content) not in NOTHING_SAID],
)
def test_a_file_that_is_none_of_its_kind_is_refused_and_nothing_is_made(
    reader: str, content: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"given{suffix}"
    path.write_bytes(CONTENTS[content])
    names = {"FILE": str(path), "OVERLAY": str(tmp_path / "own")}
    arguments = [names.get(word, word) for word in READERS[reader]]
    with pytest.raises(UserError):
        CliRunner().invoke(root, [*arguments, str(path)], catch_exceptions=False)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == CONTENTS[content]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_is_missing_or_a_folder_is_refused(reader: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "given.toml"
    if kind == "folder":
        path.mkdir()
    names = {"FILE": str(path), "OVERLAY": str(tmp_path / "own")}
    arguments = [names.get(word, word) for word in READERS[reader]]
    with pytest.raises(UserError):
        CliRunner().invoke(root, [*arguments, str(path)], catch_exceptions=False)
    assert path.is_dir() == (kind == "folder")


@pytest.mark.parametrize(
    ("arguments", "field", "remedy"),
    [
        (["--at", "0001-01-01"], "--at", "from 1990-01-01"),
        (["--at", "9999-12-31"], "--at", "to 2199-12-31"),
        (["--at", "2026-02-30"], "--at", "such as 2026-11-01"),
        (["--as-of", "soon"], "--as-of", "such as 2026-11-01"),
        (["--since", "2027-01-01", "--until", "2026-01-01"], "--until", "after --since"),
        (["--horizon-months", "0"], "--horizon-months", "from 1 to 120"),
        (["--horizon-months", "99999"], "--horizon-months", "from 1 to 120"),
        (["--horizon-days", "99999999999"], "--horizon-days", "from 0 to 3,660"),
        (["--surfaces", ","], "--surfaces", "anthropic"),
    ],
)
def test_a_day_or_a_number_out_of_reach_is_refused_by_its_option(
    arguments: list[str], field: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(root, ["plan", "--db", str(tmp_path / "none.db"), *arguments], catch_exceptions=False)
    assert caught.value.field == field
    assert remedy in caught.value.remedy


OWN = '[organisation]\nname = "N"\n[workloads.a]\n[usage]\nprofile = "shipped"\nrequests_per_month = 1000\n'


@pytest.mark.parametrize(
    ("arguments", "field", "remedy"),
    [
        (["--allow-model", "a=claude-opos-5"], "--allow-model", "claude-opus-5"),
        (["--allow-scope", "a=mars"], "workloads.a.needs.scopes", "global"),
        (["--need", "a=web_serch"], "workloads.a.needs.capabilities", "web_search"),
        (["--batchable", "b"], "workload", "use one of a"),
    ],
)
def test_what_a_plan_is_asked_to_allow_must_be_known(
    arguments: list[str], field: str, remedy: str, tmp_path: Path
) -> None:
    own = tmp_path / "trivium.toml"
    own.write_text(OWN)
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(
            root,
            ["plan", "--today", "--at", "2026-11-20", "--organisation", str(own), *arguments],
            catch_exceptions=False,
        )
    assert caught.value.field == field
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ("profile = 'given.bin'\nrequests_per_month = 10", "usage.profile"),
        ("profile = 'none.json'\nrequests_per_month = 10", "usage.profile"),
        ("profile = 'shipped'\nrequests_per_month = 99999999999999", "usage.requests_per_month"),
        ("csv = 'given.bin'", "usage.csv"),
        ("profile = 'shipped'\nrequests_per_month = 10\nhistory = 'given.bin'", "usage.history"),
        ("profile = 'shipped'\nrequests_per_month = 10\n[paths]\noverlays = 3", "paths.overlays"),
        ("profile = 'shipped'\nrequests_per_month = 10\n[paths]\noverlays = 'own'", "paths.overlays"),
        ("profile = 'shipped'\nrequests_per_month = 10\n[microsoft]\nexports = ['none']", "microsoft.exports: FILE"),
    ],
)
def test_a_file_that_the_organisation_names_is_refused_by_its_field(stated: str, field: str, tmp_path: Path) -> None:
    own = tmp_path / "trivium.toml"
    own.write_text(f"[usage]\n{stated}\n")
    (tmp_path / "given.bin").write_bytes(b"\xff\x00\x1f")
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(root, ["plan", "--at", "2026-11-20", "--organisation", str(own)], catch_exceptions=False)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("option", "text", "remedy"),
    [
        ("--price", "bedrock=nan", "above -100"),
        ("--price", "bedrock=-150", "above -100"),
        ("--price", "bedrock=cheap", "NAME=PERCENT"),
        ("--discount", "bedrock=150", "from 0 to below 100"),
        ("--discount", "bedrock=-5", "from 0 to below 100"),
        ("--demand", "a=1e30", "to 1,000,000"),
        ("--growth", "a=inf", "to 1,000,000"),
    ],
)
def test_a_change_is_refused_in_the_percent_it_was_given_in_before_anything_is_read(
    option: str, text: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(root, ["whatif", "--db", str(tmp_path / "none.db"), option, text], catch_exceptions=False)
    assert (caught.value.field, caught.value.value) == (option, text)
    assert remedy in caught.value.remedy


def test_a_route_table_that_is_none_is_refused_by_its_name(tmp_path: Path) -> None:
    routes = tmp_path / "routes.json"
    routes.write_bytes(b"\xff\x00")
    with pytest.raises(UserError, match="a new file") as caught:
        _route_table(routes)
    assert (caught.value.field, caught.value.value) == ("--write-routes", str(routes))
