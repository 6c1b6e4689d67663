"""Every format comes in whole: counts, times and tags as recorded, bad rows named by file, line, field and remedy."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger import world
from trivium.core import Money, Offer, Outcome, Quality, Usage, UsageEvent, UserError
from trivium.ledger import DemandRow, importers, write_export, write_lines
from trivium.ledger.importers import BadRow, ImportOptions

TRACES = Path(__file__).parents[3] / "shared" / "traces"
here = pytest.mark.skipif(not TRACES.is_dir(), reason=f"the traces are not beside the checkout ({TRACES})")

REQUESTS = """\
session,subagent,i,t_s,stream,model,input_tokens,prefix_reused_tokens,new_input_tokens,output_tokens,api_time_s,think_time_s,ttft_s,stop,input_types,output_types
trace_0001,,0,0.0,False,claude-opus-4-5-20251101,71175,0,71175,169,7.34,0.0,,tool_use,text,text|tool_use
trace_0001,sub_1,0,19.5,True,claude-haiku-4-5-20251001,72762,71168,1594,296,9.19,12.0,0.75,end_turn,tool_result,text
trace_0002,,0,0.0,False,claude-opus-4-5-20251101,100,64,36,5,,,,,text,
"""
SESSIONS = "session,models,tool_tokens,system_tokens\ntrace_0001,claude-opus-4-5-20251101,12974,4243\n"


def _trace(folder: Path, requests: str = REQUESTS, *, packed: bool = True) -> Path:
    path = folder / ("requests.csv.gz" if packed else "requests.csv")
    path.write_bytes(gzip.compress(requests.encode()) if packed else requests.encode())
    (folder / "sessions.csv").write_text(SESSIONS)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_the_claude_code_trace_is_laid_on_its_calendar(tmp_path: Path, packed: bool) -> None:
    path = _trace(tmp_path, packed=packed)
    assert importers.detect(path) == importers.detect(tmp_path) == "claude_code_trace"
    first, second, third = importers.claude_code_trace.read(tmp_path)
    start = datetime(2026, 4, 15, tzinfo=UTC)
    assert first.opened.at == start
    assert second.opened.at == start + timedelta(seconds=19.5)
    assert third.opened.at == start + timedelta(minutes=2)  # the second session begins one gap later
    apart = importers.claude_code_trace.read(tmp_path, ImportOptions(session_gap=timedelta(hours=1)))
    assert [event.opened.at for event in apart][2] == start + timedelta(hours=1)
    assert second.closed.at == start + timedelta(seconds=28.69)
    assert second.closed.usage == Usage(output=296, cache_read=71168, cache_write_5m=1594)
    assert second.opened.offer == Offer("anthropic", "global", "claude-haiku-4-5")
    assert (second.closed.latency_ms, second.closed.ttft_ms, second.opened.stream) == (9190, 750, True)
    assert second.opened.tags == {
        "trace": "claude_code_trace", "subagent": "sub_1", "think_time_s": "12.0",
        "tool_tokens": "12974", "system_tokens": "4243",
    }  # fmt: skip
    assert (third.opened.tags, third.closed.latency_ms) == ({"trace": "claude_code_trace", "subagent": "main"}, None)
    assert {event.closed.quality for event in (first, second, third)} == {Quality.ESTIMATED}


def test_the_workload_may_be_named_from_the_row(tmp_path: Path) -> None:
    path = _trace(tmp_path)
    names = [
        event.opened.workload
        for event in importers.claude_code_trace.read(path, ImportOptions(workload="code/{model}/{subagent}"))
    ]
    assert names == ["code/claude-opus-4-5/main", "code/claude-haiku-4-5/sub_1", "code/claude-opus-4-5/main"]
    with pytest.raises(UserError, match=r"this format offers \{model\}, \{session\}, \{subagent\}"):
        list(importers.claude_code_trace.read(path, ImportOptions(workload="{colour}")))


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("71175,0,71175", "71175,0,71174", 2, "new_input_tokens"),
        ("72762,71168", "x,71168", 3, "input_tokens"),
        (",296,", ",-296,", 3, "output_tokens"),
        (",296,", ",2.5,", 3, "output_tokens"),
        ("19.5", "nan", 3, "t_s"),
        ("True", "yes", 3, "stream"),
        ("trace_0002,,0,0.0,False,claude-opus-4-5-20251101", "trace_0002,,0,0.0,False,", 4, "model"),
        ("9.19", "9,19", 3, "columns"),
        ("12.0", "soon", 3, "think_time_s"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_can_go_on(tmp_path: Path, old: str, new: str, line: int, field: str) -> None:
    assert REQUESTS.count(old) == 1
    path = _trace(tmp_path, REQUESTS.replace(old, new))
    with pytest.raises(BadRow) as refused:
        list(importers.claude_code_trace.read(path))
    bad = refused.value
    assert (bad.path, bad.line, bad.name) == (path, line, field)
    assert f"{path}:{line}: {field}" in str(bad)
    assert "--skip-bad" in str(bad)
    collected: list[BadRow] = []
    rest = list(importers.claude_code_trace.read(path, ImportOptions(on_bad=collected.append)))
    assert (len(rest), [(row.line, row.name) for row in collected]) == (2, [(line, field)])


def test_a_file_cut_short_is_an_error_not_an_end(tmp_path: Path) -> None:
    path = _trace(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="give a whole file"):
        list(importers.claude_code_trace.read(path))


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = _trace(tmp_path)
    told: list[tuple[int, int]] = []
    list(importers.claude_code_trace.read(path, ImportOptions(progress=lambda done, total: told.append((done, total)))))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_azure_rows_need_a_model_and_count_as_new_input(tmp_path: Path) -> None:
    path = tmp_path / "code.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n")
    assert importers.detect(path) == "azure_2023"
    with pytest.raises(UserError, match="model: None: this trace names no model"):
        list(importers.azure_2023.read(path))
    (event,) = importers.azure_2023.read(path, ImportOptions(model="claude-haiku-4-5", surface="foundry"))
    assert event.opened.at == datetime(2023, 11, 16, 18, 17, 3, 979960, tzinfo=UTC)
    assert event.opened.offer == Offer("foundry", "global", "claude-haiku-4-5")
    start = datetime(2026, 5, 1, tzinfo=UTC)
    (moved,) = importers.azure_2023.read(path, ImportOptions(model="claude-haiku-4-5", start=start))
    assert (moved.opened.at, moved.closed.at) == (start, start)
    with pytest.raises(UserError, match="can be laid on another calendar"):
        importers.check_start("tracelab")
    assert (event.closed.usage, event.closed.quality) == (Usage(input=4808, output=10), Quality.ESTIMATED)


def _round(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "claude", "project": "p1", "session_id": "claude:s1", "round_id": "msg_1",
        "model": "claude-opus-4-8",
        "input_tokens_total": 32272, "prefix_tokens": 27217, "newly_append_tokens": 5055,
        "claude_uncached_input_tokens": 2892, "claude_cache_creation_input_tokens": 2163,
        "claude_cache_read_input_tokens": 27217, "output_tokens": 931,
        "timing_events": [
            {"event_type": "tool_result", "timestamp": "2026-06-01T05:40:20.151Z"},
            {"event_type": "tool_result", "timestamp": "2026-06-01T05:40:21.151Z"},
            {"event_type": "text", "timestamp": "2026-06-01T05:40:29.887Z"},
        ],
    } | changes  # fmt: skip


def _lines(path: Path, values: Iterable[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((value if isinstance(value, str) else json.dumps(value)) + "\n" for value in values))
    return path


def test_a_tracelab_round_spans_from_its_last_input_to_its_last_output(tmp_path: Path) -> None:
    path = _lines(tmp_path / "rounds.jsonl", [_round()])
    assert importers.detect(path) == "tracelab"
    (event,) = importers.tracelab.read(path)
    assert event.opened.at == datetime(2026, 6, 1, 5, 40, 21, 151_000, tzinfo=UTC)
    assert event.closed.latency_ms == 8736
    assert event.closed.usage == Usage(input=2892, output=931, cache_read=27217, cache_write_5m=2163)
    assert event.opened.session == "claude:s1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input_tokens_total": 1}, "input_tokens_total"),
        ({"output_tokens": None}, "output_tokens"),
        ({"output_tokens": True}, "output_tokens"),
        ({"model": ""}, "model"),
        ({"timing_events": []}, "timing_events"),
        ({"timing_events": [{"event_type": "text", "timestamp": "then"}]}, "timing_events.timestamp"),
    ],
)
def test_a_bad_round_is_named(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    path = _lines(tmp_path / "rounds.jsonl", [_round(), _round(**change)])
    collected: list[BadRow] = []
    assert len(list(importers.tracelab.read(path, ImportOptions(on_bad=collected.append)))) == 1
    assert [(bad.line, bad.name) for bad in collected] == [(2, field)]


def _said(request: str, output: int, at: str, **changes: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 4, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 5000, "output_tokens": output,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2}, "service_tier": "standard",
    }  # fmt: skip
    message = {"id": "msg_01", "model": "claude-opus-4-8", "content": [{"type": "text", "text": "hush hush"}]}
    return {
        "type": "assistant", "uuid": "u", "sessionId": "s1", "timestamp": at, "version": "2.1.79", "requestId": request,
        "message": {**message, "usage": usage | changes.pop("usage", {}), "stop_reason": changes.pop("stop", None)}
        | changes.pop("message", {}),
    } | changes  # fmt: skip


def _projects(folder: Path) -> Path:
    main = folder / "-home-me-app" / "s1.jsonl"
    _lines(
        main,
        [
            {"type": "user", "sessionId": "s1", "message": {"content": "hush?"}},
            _said("req_1", 3, "2026-06-01T10:00:01Z"),
            _said("req_1", 40, "2026-06-01T10:00:05Z", stop="tool_use"),
            _said("req_1", 40, "2026-06-01T10:00:04Z"),
            _said("req_2", 7, "2026-06-01T10:01:00Z", usage={"speed": "fast", "inference_geo": "us"}),
            {
                "type": "assistant",
                "sessionId": "s1",
                "timestamp": "x",
                "message": {"model": "<synthetic>", "usage": {}},
            },
            {"type": "file-history-snapshot"},
        ],
    )
    # A resumed session copies the old lines into a new file; a subagent has a file of its own.
    resumed = _said("req_1", 40, "2026-06-01T10:00:05Z", stop="tool_use", sessionId="s2")
    _lines(folder / "-home-me-app" / "s2.jsonl", [resumed])
    sub = _said("req_3", 9, "2026-06-01T10:02:00Z", stop="end_turn", message={"id": "msg_bdrk_1"}, isSidechain=True)
    _lines(folder / "-home-me-app" / "s1" / "subagents" / "agent-a1.jsonl", [sub])
    return folder


def test_claude_code_logs_count_each_request_once(tmp_path: Path) -> None:
    projects = _projects(tmp_path)
    assert importers.detect(projects) == importers.detect(projects / "-home-me-app" / "s1.jsonl") == "claude_code_logs"
    first, second, third = importers.claude_code_logs.read(projects)
    assert first.opened.event_id == "claude_code_logs:req_1"
    assert first.closed.usage == Usage(
        input=4, output=40, cache_read=5000, cache_write_5m=100, cache_write_1h=200, web_search=1, web_fetch=2
    )
    assert (first.opened.at.second, first.closed.at.second) == (1, 5)
    assert (first.opened.session, first.closed.stop_reason, first.closed.quality) == ("s1", "tool_use", Quality.EXACT)
    assert first.opened.tags == {"project": "-home-me-app", "subagent": "main", "client_version": "2.1.79"}
    assert second.opened.offer == Offer("anthropic", "us", "claude-opus-4-8", "fast")
    assert second.closed.quality is Quality.ESTIMATED  # no line was written after its end
    assert third.opened.offer.surface == "bedrock"
    assert third.opened.tags["subagent"] == "a1"


def test_nothing_that_was_said_reaches_the_ledger(tmp_path: Path) -> None:
    with world.ledger(tmp_path / "db") as ledger:
        ledger.append(importers.claude_code_logs.read(_projects(tmp_path / "projects")))
    stored = b"".join(path.read_bytes() for path in (tmp_path / "db").iterdir())
    assert b"req_1" in stored
    assert b"hush" not in stored


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{not json", "line"),
        ("[1]", "line"),
        (_said("r", 1, "yesterday"), "timestamp"),
        (_said("r", 1, "2026-06-01", usage={"input_tokens": "4"}), "usage.input_tokens"),
        (_said("r", 1, "2026-06-01", usage={"cache_creation_input_tokens": 1}), "usage.cache_creation"),
        (_said("r", 1, "2026-06-01", message={"model": None}), "message.model"),
        (_said("", 1, "2026-06-01", message={"id": ""}, uuid=""), "requestId"),
        ({"type": "assistant", "message": "text"}, "message"),
    ],
)
def test_a_bad_log_line_is_named(tmp_path: Path, line: object, field: str) -> None:
    path = _lines(tmp_path / "s1.jsonl", [_said("req_1", 1, "2026-06-01T10:00:00Z"), line])
    collected: list[BadRow] = []
    assert len(list(importers.claude_code_logs.read(path, ImportOptions(on_bad=collected.append)))) == 1
    assert [(bad.line, bad.name) for bad in collected] == [(2, field)]


def test_servegen_is_demand_not_events(tmp_path: Path) -> None:
    path = tmp_path / "client_usage_6h.csv"
    path.write_text(
        "model,client,t_s,requests,input_tokens,output_tokens,in_mean,out_mean,in_p95,out_p95,in_mean_imputed,"
        "out_mean_imputed\ndeepseek-r1,0,21600,4345,1146489.0,6076593.6,263.8,1398.5,793.0,3211.0,False,True\n"
        "deepseek-r1,1,0,1,,1.0,1,1,1,1,False,False\n"
    )
    assert importers.detect(path) == "servegen"
    collected: list[BadRow] = []
    (row,) = importers.servegen.read(path, ImportOptions(on_bad=collected.append))
    assert row == DemandRow("servegen", "deepseek-r1", "0", 21_600, 21_600, 4345, 1_146_489, 6_076_594, imputed=True)
    assert [bad.name for bad in collected] == ["input_tokens"]
    assert "servegen" not in importers.EVENT_FORMATS
    with pytest.raises(UserError, match="use one of"):
        importers.reader("servegen")


def _everything() -> list[UsageEvent]:
    strange = world.closed("e2", outcome=Outcome.CUT, usage=Usage(input=7, output=None), http_status=None, ttft_ms=None)
    return [
        world.event("e1", tags={"team": "blaues Team ✓", "a": "line\nbreak"}),
        UsageEvent(world.opened("e2", stream=False, max_output_tokens=None, key_id="key_1"), strange),
    ]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_an_export_comes_back_equal(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write_export(_everything(), path) == 2
    assert importers.detect(path) == "ledger_export"
    assert list(importers.ledger_export.read(path)) == _everything()
    with pytest.raises(UserError, match="does not exist yet"):
        write_export(_everything(), path)
    tagged = next(importers.ledger_export.read(path, ImportOptions(workload="{workload}-copy", tags={"x": "y"})))
    assert (tagged.opened.workload, tagged.opened.tags["x"]) == ("chat-copy", "y")


def test_an_export_that_was_cut_short_or_is_newer_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    write_lines(_everything(), out)
    lines = out.getvalue().decode().splitlines()
    cut = _lines(tmp_path / "cut.jsonl", lines[:-1])
    with pytest.raises(UserError, match="has no end: it was cut short"):
        list(importers.ledger_export.read(cut))
    with pytest.raises(UserError, match="says it holds 2"):
        list(importers.ledger_export.read(_lines(tmp_path / "less.jsonl", [lines[0], lines[1], lines[-1]])))
    newer = _lines(tmp_path / "newer.jsonl", [lines[0].replace('"version":2', '"version":3'), *lines[1:]])
    with pytest.raises(UserError, match="this program reads versions 1 to 2"):
        list(importers.ledger_export.read(newer))
    wrong = _lines(tmp_path / "wrong.jsonl", [lines[0], lines[1].replace('"ok"', '"fine"'), *lines[2:]])
    with pytest.raises(BadRow, match="Invalid enum value 'fine'"):
        list(importers.ledger_export.read(wrong))


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"{}\n", b"\x00\xff\xfe" * 50, b"just words"])
def test_a_file_of_no_known_form_is_refused_with_the_formats(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        importers.detect(path)
    assert refused.value.value == str(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        importers.detect(tmp_path / "none.csv")


@here
@pytest.mark.trace
def test_the_real_traces_come_in_whole(tmp_path: Path) -> None:
    """Rows and totals are those of the traces' own description; the cost is theirs at 5/25, 3/15, 1/5, 15/75."""
    found = {path.name: importers.detect(path) for path in TRACES.iterdir() if path.is_dir() and path.name[:2] == "cl"}
    assert found == {"claude_code": "claude_code_trace"}
    rates = {"opus-4-5": 5, "opus-4-6": 5, "sonnet-4-5": 3, "sonnet-4": 3, "haiku-4-5": 1, "opus-4-1": 15}
    cells = [
        world.cell(unit, str(usd * Decimal(factor)), offer=Offer("anthropic", "global", f"claude-{name}"))
        for name, usd in rates.items()
        for unit, factor in (("output", "5"), ("cache_read", "0.1"), ("cache_write_5m", "1.25"))
    ]
    book = world.PriceBook(cells, world.NOON.date())
    with world.ledger(tmp_path, book=lambda: book) as ledger:
        done = ledger.append(importers.claude_code_trace.read(TRACES / "claude_code"))
        (total,) = ledger.spend()
    usage = total.usage
    assert (done.new, total.requests) == (49_334, 49_334)
    assert (usage.cache_read or 0) + (usage.cache_write_5m or 0) == 6_037_445_403
    assert usage.output == 21_709_920
    assert total.cache_hit_rate == pytest.approx(0.963, abs=0.0005)
    assert (total.unpriced, total.amount) == (0, Money.from_usd("3979.75148035"))


@here
@pytest.mark.trace
def test_the_other_traces_come_in_whole() -> None:
    azure = TRACES / "azure_2023" / "AzureLLMInferenceTrace_code.csv"
    usages = [event.closed.usage for event in importers.azure_2023.read(azure, ImportOptions(model="claude-haiku-4-5"))]
    assert len(usages) == 8_819
    assert sum(usage.input or 0 for usage in usages) == pytest.approx(18.06e6, rel=0.001)
    demand = list(importers.servegen.read(TRACES / "servegen" / "client_usage_6h.csv.gz"))
    assert len(demand) == 9_685
    assert sum(row.input_tokens for row in demand) == pytest.approx(1.447e12, rel=0.001)
    rounds = TRACES / "tracelab" / "example_round_trace_sanitized.jsonl"
    assert len(list(importers.tracelab.read(rounds))) == 19
    shapes = TRACES / "servegen" / "client_tokens_6h.csv.gz"
    assert [importers.detect(path) for path in (azure, rounds, shapes)] == ["azure_2023", "tracelab", "servegen"]
    with pytest.raises(UserError, match="give client_usage_6h"):
        list(importers.servegen.read(shapes))
