"""Nothing that is the user's own leaves the machine, wherever a surface puts it and however it is written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.stand_in import KEY, FirstParty, Memory, listening
from certify.support import book, certified, site
from trivium.certify import claims_csv, document, markdown, plan, shipped_calls
from trivium.certify._record import lines
from trivium.certify._redact import REMOVED, Guard, Redactor
from trivium.gateway import AiohttpTransport

CREDENTIAL = "sk-ant-CANARY+7f3a/9Qz=letters"
ACCOUNTS = (  # what no one told certify: only its form may be shown
    "org_CANARYaccount99",
    "acme-CANARY-4711",
    "arn:aws:iam::123456789012:role/CANARY",
    "canary.person@example.com",
    "8f14e45f-ceea-467f-a83c-CANARY5b1e2d",
)


def written(secret: str) -> list[str]:
    """The secret in every coding."""
    raw = secret.encode()
    found = [secret, secret.upper(), secret.lower(), quote(secret, safe=""), raw.hex(), raw.hex().upper()]
    for before in (b"", b"x", b"xy"):
        found += [base64.b64encode(before + raw + b"tail").decode(), base64.urlsafe_b64encode(before + raw).decode()]
    return found


def leaks(text: str, secret: str) -> list[str]:
    """Runs of eight characters of the secret, in any coding, that stand in a text."""
    found = []
    for form in written(secret):
        found += [form[start : start + 8] for start in range(3, len(form) - 11) if form[start : start + 8] in text]
    return found


@pytest.mark.parametrize("form", written(CREDENTIAL))
def test_the_guard_removes_a_credential_in_any_coding(form: str) -> None:
    guard = Guard()
    guard.credential({"authorization": f"Bearer {CREDENTIAL}"})
    scrubbed = guard.scrub(f"before {form} after")
    assert scrubbed.startswith("before ")
    assert REMOVED in scrubbed
    assert leaks(scrubbed, CREDENTIAL) == []


@given(
    secret=st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=_-.~", min_size=12, max_size=60),
    before=st.text('0123456789 "{}:,xyz', max_size=12),
    number=st.integers(0, 11),
)
def test_no_eight_characters_of_any_credential_pass_in_any_coding(secret: str, before: str, number: int) -> None:
    guard = Guard()
    guard.credential({"authorization": f"Bearer {secret}"})
    form = written(secret)[number]
    assert leaks(guard.scrub(f"{before}{form}{before}"), secret) == []


def test_the_guard_removes_a_part_of_a_credential() -> None:
    guard = Guard()
    guard.credential({"x-api-key": CREDENTIAL})
    assert guard.scrub(f"your key {CREDENTIAL[5:16]} is wrong") == f"your key {REMOVED} is wrong"


def test_the_guard_knows_the_secret_parts_of_a_signature_and_leaves_its_words() -> None:
    guard = Guard()
    signature = "0f" * 32
    scope = "AKIACANARY00000001/20261125/us-east-1/bedrock/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host, Signature={signature}"
    guard.credential(
        {"authorization": signed, "x-amz-date": "20261125T000000Z", "x-amz-security-token": "CANARYtoken/1"}
    )
    told = guard.scrub(f"AKIACANARY00000001 {signature} CANARYtoken/1 content-type us-east-1 20261125T000000Z")
    assert told == f"{REMOVED} {REMOVED} {REMOVED} content-type us-east-1 20261125T000000Z"


def test_the_guard_removes_a_name_of_the_account_in_any_coding() -> None:
    guard = Guard()
    guard.name("acme-prod")
    assert (
        guard.scrub("projects/acme-prod/x ACME-PROD 61636d652d70726f64") == f"projects/{REMOVED}/x {REMOVED} {REMOVED}"
    )


@pytest.mark.parametrize("secret", ACCOUNTS)
def test_a_value_nobody_told_of_is_replaced_by_its_form_wherever_it_stands(secret: str) -> None:
    redactor = Redactor(Guard())
    everywhere = {
        secret: secret, "id": secret, "type": secret, "model": secret, "stop_reason": secret, "text": secret,
        "signature": secret, "error": {"type": secret, "code": secret, "message": f"not {secret} in {secret[2:13]}"},
        "list": [secret, {"name": secret}], "message": secret, "status": secret,
    }  # fmt: skip
    shown = json.dumps(
        [
            redactor.value(everywhere),
            redactor.headers(
                {"x-account": secret, "content-type": secret, "anthropic-version": secret, secret: secret}
            ),
            redactor.headers(
                {"x-amzn-errortype": f"{secret}:http://x/", "retry-after": secret, "anthropic-beta": secret}
            ),
            redactor.path(
                f"https://{secret}.example.com/v1/projects/{quote(secret)}/models/{secret}:rawPredict?a={secret}"
            ),
            redactor.code(secret),
        ]
    )
    assert "canary" not in shown.lower()
    assert secret[2:9] not in shown


@pytest.mark.parametrize("secret", ACCOUNTS)
async def test_a_live_surface_that_repeats_an_account_everywhere_leaves_no_trace_of_it(secret: str) -> None:
    """Headers, fields, keys, errors, events: the recording, the report, the claims and the JSON are all clean."""
    report = await certified("anthropic", Memory(echo=secret))
    told = [report.recording, markdown(report, "1"), claims_csv(report), json.dumps(document(report))]
    assert all("canary" not in text.lower() for text in told)
    assert "x-account" in report.recording  # the header's name is shown: it is the surface's


async def test_a_live_surface_that_repeats_the_credential_leaves_no_trace_of_it() -> None:
    for form in written(KEY):
        report = await certified(
            "anthropic", Memory(echo=form), only=["message", "stream", "wrong-credential", "models"]
        )
        for text in (report.recording, markdown(report, "1"), claims_csv(report), json.dumps(document(report))):
            assert leaks(text, KEY) == []


async def test_the_recording_holds_forms_and_no_texts() -> None:
    report = await certified("anthropic", Memory(), only=["message", "cache-write"])
    items = [json.loads(line) for line in report.recording.splitlines()[1:]]
    assert [(item["call"], item["side"]) for item in items] == [
        ("message", "live"), ("message", "lab"), ("cache-write", "live"), ("cache-write", "lab"),
    ]  # fmt: skip
    first = items[0]
    assert first["request"]["path"] == "/v1/messages"
    assert first["request"]["headers"]["x-api-key"].startswith("<value ")
    assert first["request"]["body"]["messages"] == [{"role": "user", "content": "<text 33>"}]
    assert first["body"]["content"][0]["text"] == "<text 18>"  # "one two three four"
    assert first["body"]["usage"]["output_tokens"] == 16
    assert items[2]["request"]["body"]["system"][0]["text"] == "<text 19999>"  # 5,000 words of 3 letters, 4,999 blanks


def test_an_account_number_is_not_shown_and_a_count_is() -> None:
    shown = Redactor(Guard()).value({"account": 123456789012, "input_tokens": 20123, "share": 0.5, "on": True})
    assert shown == {"account": "<number>", "input_tokens": 20123, "share": 0.5, "on": True}


def test_a_credential_that_looks_like_words_of_an_api_is_removed_where_such_words_are_shown() -> None:
    guard = Guard()
    guard.credential({"x-api-key": "correct_horse_battery"})
    redactor = Redactor(guard)
    everywhere = {"type": "correct_horse_battery", "correct_horse_battery": 1, "error": {"code": "correct_horse"}}
    shown = json.dumps(
        [redactor.value(everywhere), redactor.headers({"correct-horse_battery": "correct_horse_battery"})]
    )
    assert "horse_battery" not in shown
    assert "correct_horse" not in shown


def test_the_guard_sees_each_line_once_more_as_it_is_written() -> None:
    """Whatever an earlier layer let through."""
    guard = Guard()
    guard.credential({"x-api-key": CREDENTIAL})
    assert lines([{"slip": [CREDENTIAL]}], Redactor(guard)) == f'{{"slip":["{REMOVED}"]}}\n'


def test_the_same_id_has_the_same_mark_and_another_one_another() -> None:
    redactor = Redactor(Guard())
    found = redactor.value([{"id": "msg_1"}, {"tool_use_id": "toolu_9"}, {"id": "msg_1"}])
    assert found == [{"id": "<id 1>"}, {"tool_use_id": "<id 2>"}, {"id": "<id 1>"}]


async def test_requests_do_not_repeat_a_prefix_that_another_run_has_sent() -> None:
    """Else the first of the two would read what it is to write."""
    with listening(FirstParty, Memory()) as url:
        transport = AiohttpTransport()
        here = site("anthropic", url, KEY, transport)
        from certify.support import AT

        calls = [call for call in shipped_calls() if call.id in {"cache-write", "cache-read"}]
        sent = [plan(calls, here, book(), at=AT, nonce=nonce).calls for nonce in ("one", "two")]
        await transport.close()
    bodies = [[item.outbound.body.partition(b'"messages"')[0] for item in items if item.outbound] for items in sent]
    assert bodies[0][0] == bodies[0][1]
    assert bodies[0][0] != bodies[1][0]
