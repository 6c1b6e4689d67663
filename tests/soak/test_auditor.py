"""The soak's auditor finds each kind of difference; one that found nothing would call every soak sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench._soak_books import Books, Entry
from bench._soak_client import Seen, judge
from bench.soak import complaints, growth

from ledger import world
from trivium.core import UNKNOWN_USAGE, Outcome, Quality, Usage, UsageEvent

COUNTS = Usage(input=1000, output=200, cache_read=0, cache_write_5m=0, cache_write_1h=0)
TOKENS = {"input": 1000, "output": 200}
AT = world.NOON.isoformat()


def seen(**changes: Any) -> Seen:
    values = {"status": 200, "request_id": "req_1", "surface": "anthropic", "tokens": dict(TOKENS), "state": "whole"}
    return Seen(AT, "chat", "claude-opus-5", True, "s1", "key_1", **values | changes)


def line(**changes: Any) -> dict[str, Any]:
    # 1000 x 5 + 200 x 25 dollars a million are 0.01 USD
    return {"at": AT, "surface": "anthropic", "outcome": "ok", "tokens": TOKENS, "amount_usd": "0.01"} | changes


def attempt(name: str = "e1", number: int = 1, **end: Any) -> UsageEvent:
    return UsageEvent(
        world.opened(name, request_id="req_1", attempt=number), world.closed(name, **{"usage": COUNTS} | end)
    )


LOST = {"outcome": Outcome.CUT, "usage": UNKNOWN_USAGE, "quality": Quality.UNKNOWN}
GUESSED = {"outcome": Outcome.CUT, "usage": COUNTS, "quality": Quality.ESTIMATED}


def balance(
    folder: Path,
    clients: Sequence[Seen],
    attempts: Sequence[UsageEvent],
    lines: Sequence[dict[str, Any]],
) -> list[str]:
    books = Books(world.book())
    with world.ledger(folder) as ledger:
        ledger.append(attempts)
        entries = [Entry(event, ledger.rating(event.opened.event_id)) for event in ledger.events()]
        books.balance(clients, entries, lines)
        rows = ledger.spend(())
        books.whole_ledger(ledger.path, rows[0].amount)
    return [text.partition(":")[0] for text in books.broken]


@pytest.mark.parametrize(
    ("clients", "attempts", "lines"),
    [
        ([seen()], [attempt()], [line()]),
        # a stream that broke off: the prompt is known, the output by its size, and the lab billed one token less
        (
            [seen(state="error_event", tokens=None)],
            [attempt(**GUESSED)],
            [line(tokens={"input": 1000, "output": 199}, amount_usd="0.009975")],
        ),
        # nobody knows what a lost attempt cost: nothing, or at most its prompt and all the output it asked for
        ([seen(state="error_event", tokens=None)], [attempt(**LOST)], [line()]),
        ([seen()], [attempt("e1", 1, **LOST), attempt("e2", 2)], [line()]),
    ],
    ids=["whole", "broken off", "lost", "lost, then whole"],
)
def test_books_that_agree_balance(tmp_path: Path, clients: Any, attempts: Any, lines: Any) -> None:
    assert balance(tmp_path, clients, attempts, lines) == []


@pytest.mark.parametrize(
    ("clients", "attempts", "lines", "invariant"),
    [
        ([seen(tokens={"input": 1000, "output": 201})], [attempt()], [line()], "complete"),
        ([seen()], [attempt()], [line(amount_usd="0.010000005")], "exact"),
        ([seen()], [attempt()], [line(tokens={"input": 999, "output": 200})], "exact"),
        ([seen()], [attempt()], [line(surface="vertex")], "exact"),
        ([seen()], [attempt()], [line(), line(surface="vertex")], "bill"),
        ([seen()], [attempt()], [line(), line(at="2026-04-15T13:00:00+00:00")], "bill"),
        ([seen()], [attempt("e1", 1), attempt("e2", 2)], [line(), line()], "law"),
        ([seen()], [attempt("e1", 2)], [line()], "law"),
        ([seen(request_id="req_2")], [attempt()], [line()], "law"),
        ([seen()], [attempt(f"e{n}", n, **LOST) for n in (1, 2, 3)], [], "law"),
        ([seen(state="lost")], [attempt(**LOST)], [line(amount_usd="99")], "bounds"),
        ([seen(state="lost")], [attempt(**GUESSED)], [line(tokens={"input": 998, "output": 200})], "estimated"),
        ([seen(state="lost")], [attempt(**GUESSED)], [line(amount_usd="99")], "estimated"),
    ],
)
def test_each_difference_is_found(tmp_path: Path, clients: Any, attempts: Any, lines: Any, invariant: str) -> None:
    assert invariant in balance(tmp_path, clients, attempts, lines)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


START = event("message_start", message={"usage": {"input_tokens": 3, "output_tokens": 1}})
BLOCK = (
    event("content_block_start", index=0),
    event("content_block_delta", index=0),
    event("content_block_stop", index=0),
)
DELTA = event("message_delta", usage={"output_tokens": 5})
STOP = event("message_stop")
WHOLE = (START, *BLOCK, DELTA, STOP)
ERROR = event("error", error={"type": "api_error", "message": "broke"})


@pytest.mark.parametrize(
    ("parts", "ended", "state"),
    [
        (WHOLE, True, "whole"),
        ((event("ping"), *WHOLE), True, "whole"),
        ((START, *BLOCK, ERROR), True, "error_event"),
        ((START, *BLOCK), False, "lost"),
        ((START, *BLOCK), True, "garbled"),
        ((START, START, *BLOCK, DELTA, STOP), True, "garbled"),
        ((*BLOCK, DELTA, STOP), True, "garbled"),
        ((START, BLOCK[0], DELTA, STOP), True, "garbled"),
        ((START, BLOCK[0], BLOCK[0], *BLOCK[1:], DELTA, STOP), True, "garbled"),
        ((START, *BLOCK, STOP), True, "garbled"),
        ((*WHOLE, START), True, "garbled"),
        ((START, b"event: ping\ndata: {\n\n", *BLOCK, DELTA, STOP), True, "garbled"),
        ((START, *BLOCK, event("error", error="broke")), True, "garbled"),
    ],
)
def test_a_stream_is_held_to_the_order_of_its_events(parts: Sequence[bytes], ended: bool, state: str) -> None:
    found = seen(state="lost", tokens=None)
    judge(found, b"".join(parts), ended=ended)
    assert found.state == state
    if state == "whole":
        assert found.tokens == {"input": 3, "output": 5}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (429, b'{"type":"error","error":{"type":"rate_limit_error","message":"wait"}}', "refused"),
        (502, b"<html>bad gateway</html>", "garbled"),
        (200, b'{"type":"message","stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":5}}', "whole"),
        (200, b'{"type":"message","stop_reason":null,"usage":{"input_tokens":3,"output_tokens":5}}', "garbled"),
        (200, b'{"type":"mess', "garbled"),
    ],
)
def test_an_answer_is_a_message_or_an_error_in_its_form(status: int, body: bytes, state: str) -> None:
    found = Seen(AT, "chat", "claude-opus-5", False, "s1", "key_1", status=status)
    judge(found, body, ended=True)
    assert found.state == state


MIB = 1024


@pytest.mark.parametrize(
    ("memory", "files", "found"),
    [
        (lambda n: 100 * MIB, lambda n: 30, 0),
        (lambda n: (100 + n) * MIB, lambda n: 30, 0),  # within what an allocator keeps: 6 MiB from third to third
        (lambda n: (100 + 5 * n) * MIB, lambda n: 30, 1),
        (lambda n: 100 * MIB, lambda n: 30 + 3 * n, 1),
        (lambda n: (100 + 50 * (n == 4)) * MIB, lambda n: 30 + 20 * (n == 4), 0),  # one round of many streams
    ],
)
def test_growth_is_told_from_rest(memory: Callable[[int], int], files: Callable[[int], int], found: int) -> None:
    rounds = range(9)
    assert len(growth([memory(n) for n in rounds], [files(n) for n in rounds])) == found


def test_an_error_in_a_log_is_a_complaint_unless_it_was_asked_for() -> None:
    asked_for = '{"level": "error", "message": "routes: half a table; the table of before stays in force"}'
    own = '{"level": "error", "message": "ledger refused a closed record"}'
    log = f'{asked_for}\n{own}\n{{"level": "warning", "message": "x"}}'
    assert complaints(log) == [own]
