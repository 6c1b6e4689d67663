"""Ids and files of other tools: what they mean, and what happens when they are broken."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trivium.catalog.audit import CellIndex, Models, models_of, read_table
from trivium.catalog.audit._collect import FILE_BYTES_MAX, read_text
from trivium.catalog.audit._names import place_of
from trivium.core import UserError


@pytest.fixture(scope="module")
def models(index: CellIndex) -> Models:
    return models_of(index)


@pytest.mark.parametrize(
    ("key", "vendor", "place"),
    [
        ("claude-opus-5", "anthropic", "anthropic global claude-opus-5 standard"),
        ("us/claude-opus-4-6", "anthropic", "anthropic us claude-opus-4-6 standard"),
        ("fast/us/claude-opus-4-6-20260205", "anthropic", "anthropic us claude-opus-4-6 fast"),
        ("claude-4-opus-20250514", "anthropic", "anthropic global claude-opus-4 standard"),
        ("claude-3.5-haiku", "anthropic", "anthropic global claude-3-5-haiku standard"),
        ("claude-haiku-3-5", "anthropic", "anthropic global claude-3-5-haiku standard"),
        ("claude-opus-4-0", "anthropic", "anthropic global claude-opus-4 standard"),
        ("claude-instant-1.2", "anthropic", "anthropic global claude-instant-1 standard"),
        ("claude-2.1", "anthropic", "anthropic global claude-2-1 standard"),
        ("us.anthropic.claude-opus-4-6-v1:0", "bedrock", "bedrock us claude-opus-4-6 standard"),
        ("anthropic.claude-haiku-4-5@20251001", "bedrock_converse", "bedrock in-region claude-haiku-4-5 standard"),
        ("claude-sonnet-4-5-20250929-v1:0", "bedrock", "bedrock in-region claude-sonnet-4-5 standard"),
        ("regional.anthropic.claude-opus-5", "aws", "bedrock in-region claude-opus-5 standard"),
        ("us-gov.anthropic.claude-opus-5", "bedrock", "bedrock us-gov claude-opus-5 standard"),
        ("bedrock/us-gov-west-1/anthropic.claude-opus-5", "bedrock", "bedrock us-gov claude-opus-5 standard"),
        ("bedrock/eu-central-1/anthropic.claude-v2:1", "bedrock", "bedrock eu-central-1 claude-2-1 standard"),
        (
            "bedrock/us-east-1/1-month-commitment/anthropic.claude-v1",
            "bedrock",
            "bedrock us-east-1 claude-1 provisioned-1mo",
        ),
        ("bedrock/claude_platform/claude-opus-5", "bedrock", "claude-aws global claude-opus-5 standard"),
        (
            "bedrock_mantle/anthropic.claude-haiku-4-5",
            "bedrock_mantle",
            "bedrock-mantle in-region claude-haiku-4-5 standard",
        ),
        (
            "vertex_ai/claude-3-5-sonnet-v2@20241022",
            "vertex_ai-anthropic_models",
            "vertex global claude-3-5-sonnet standard",
        ),
        ("vertex_ai/claude-opus-5-5@default", "vertex_ai", "vertex global claude-opus-5-5 standard"),
        ("azure_ai/claude-opus-5-5-fast", "azure_ai", "foundry global claude-opus-5-5 fast"),
        ("github_copilot/claude-opus-41", "github_copilot", "github-copilot global claude-opus-4-1 standard"),
        ("claude-mythos-preview", "anthropic", "anthropic global claude-mythos-preview standard"),
        ("claude-fable-5-5", "azure", "foundry global - standard"),
    ],
)
def test_an_id_says_where_which_and_at_what_tier(key: str, vendor: str, place: str, models: Models) -> None:
    found = place_of(key, vendor, models)
    assert found is not None
    assert [found.surface, found.scope, found.model or "-", found.tier] == place.split()


def test_marks_tell_what_is_odd_about_an_id(models: Models) -> None:
    def marks(key: str) -> set[str]:
        place = place_of(key, "bedrock", models)
        assert place is not None
        return set(place.marks)

    assert marks("anthropic.claude-opus-5") == {"unprefixed"}
    assert marks("global.anthropic.claude-opus-5") == set()
    assert marks("us.anthropic.claude-3-5-haiku-latest") == {"latest"}
    assert marks("us.anthropic.claude-3-7-sonnet-20240620-v1:0") == {"foreign-date"}
    assert marks("us.anthropic.claude-3-7-sonnet-20250219-v1:0") == set()


def test_a_reseller_is_none_of_our_surfaces(models: Models) -> None:
    assert place_of("openrouter/anthropic/claude-opus-5", "openrouter", models) is None


def table(tmp_path: Path, models: Models, content: Any) -> Any:
    path = tmp_path / "table.any"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_table(path, models)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"claude-opus-5": {"litellm_provider": "anthropic", "input_cost_per_token": 5e-06}}, "litellm"),
        ({"claude-opus-5": {"input_cost_per_token": 5e-06}}, "litellm"),
        ([{"id": "anthropic", "models": [{"id": "claude-opus-5", "prices": {"input_mtok": 5}}]}], "genai-prices"),
        ({"anthropic": {"id": "anthropic", "models": {"claude-opus-5": {"cost": {"input": 5}}}}}, "models.dev"),
        ({"providers": {"anthropic": {"models": {"claude-opus-5": {"cost": {"input": 5}}}}}}, "models.dev"),
        ({"vendor": "anthropic", "models": [{"id": "claude-opus-5", "price_history": [{"input": 5}]}]}, "llm-prices"),
        (
            {"updated_at": "2026-11-20", "prices": [{"id": "claude-opus-5", "vendor": "anthropic", "input": 5}]},
            "llm-prices",
        ),
        ("surface,model,unit,usd_per_mtok\nanthropic,claude-opus-5,input,5\n", "csv"),
        ("\ufeffprovider,model,input,output\nanthropic,claude-opus-5,$5,\n", "csv"),
        ("platform,model,token_kind,usd_per_token\nanthropic,claude-opus-5,input,0.000005\n", "csv"),
    ],
)
def test_the_content_tells_the_format(content: Any, kind: str, tmp_path: Path, models: Models) -> None:
    found = table(tmp_path, models, content)
    (entry,) = found.entries
    assert found.format == kind
    assert (entry.surface, entry.model, entry.unit, str(entry.usd)) == ("anthropic", "claude-opus-5", "input", "5")


def test_the_newest_day_is_the_newest_that_stands_in_the_table(tmp_path: Path, models: Models) -> None:
    dated = {"updated_at": "2026-11-20", "prices": [{"id": "claude-opus-5", "vendor": "anthropic", "input": 5}]}
    undated = {"claude-opus-5": {"litellm_provider": "anthropic", "input_cost_per_token": 5e-06}}
    assert table(tmp_path, models, dated).newest_day == date(2026, 11, 20)
    assert table(tmp_path, models, undated).newest_day is None


def test_dated_prices_hold_until_the_next_one_starts(tmp_path: Path, models: Models) -> None:
    prices = [
        {"constraint": {"start_date": "2026-10-07"}, "prices": {"cache_read_mtok": 0.1}},
        {"constraint": {"start_time": "01:00:00Z", "end_time": "02:00:00Z"}, "prices": {"cache_read_mtok": 9}},
        {"prices": {"cache_read_mtok": 0.2}},
    ]
    found = table(tmp_path, models, [{"id": "anthropic", "models": [{"id": "claude-sonnet-5-5", "prices": prices}]}])
    assert [(str(one.usd), one.valid_from, one.valid_until) for one in found.entries] == [
        ("0.2", None, date(2026, 10, 7)),
        ("0.1", date(2026, 10, 7), None),
    ]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('{"a": ', "line 1"),
        ('{"a": NaN}', "NaN"),
        ("[" * 100_000, "depth"),
        ('{"hello": {"world": 1}}', "unknown shape"),
        ("[]", "unknown shape"),
        ("a,b\n1,2\n", "line 1"),
        ("model,unit,usd_per_mtok\nclaude-opus-5,input,five\n", "line 2"),
        ("model,unit,usd_per_mtok,valid_from\nclaude-opus-5,input,5,soon\n", "line 2"),
        ("model,unit,usd_per_mtok,prompt_min\nclaude-opus-5,input,5,-1\n", "line 2"),
        ("", "line 1"),
    ],
)
def test_a_broken_table_is_refused_and_the_place_is_named(
    content: str, place: str, tmp_path: Path, models: Models
) -> None:
    with pytest.raises(UserError) as raised:
        table(tmp_path, models, content)
    assert place in str(raised.value)


def test_a_file_that_is_absent_or_not_text_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can be read"):
        read_text(tmp_path / "absent")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe{")
    with pytest.raises(UserError, match="UTF-8"):
        read_text(binary)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(UserError, match="64 MiB"):
        read_text(large)


_KEYS = (
    *("models", "id", "prices", "cost", "tiers", "price_history", "constraint", "claude-opus-5", "anthropic", "vendor"),
    *("litellm_provider", "input_cost_per_token", "input_mtok", "input", "search_context_cost_per_query", "updated_at"),
)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_DOCUMENTS = st.recursive(
    _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_DOCUMENTS)
def test_whatever_json_it_is_given_a_reader_reads_or_refuses(document: Any, tmp_path: Path, models: Models) -> None:
    with contextlib.suppress(UserError):
        table(tmp_path, models, json.dumps(document))
