"""Claude on Google Cloud: project and workspace are the operator's, bytes pass, errors of Google's front are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_upstream.support import HELLO, SETTINGS, request, send
from gateway_upstream.test_through_the_lab import AT, SNAPSHOT
from trivium.core import ManualClock, Outcome, Retry, UserError
from trivium.gateway import SnapshotFacts
from trivium.gateway.seams import Errand
from trivium.gateway.upstream import UPSTREAMS

SURFACE = "claude-gcp"
ADAPTER = UPSTREAMS[SURFACE]
PREFIX = "https://claude.googleapis.com/v1/projects/my-proj/locations/global/workspaces/wrkspc_01/invoke"
CLAIMS = SnapshotFacts(lambda: SNAPSHOT, ManualClock(AT))


def test_the_operators_project_and_workspace_are_in_the_path_and_the_clients_nowhere() -> None:
    asked = request(headers={"anthropic-workspace-id": "wrkspc_other", "anthropic-user-profile-id": "uprof_1"})
    sent = send(SURFACE, asked)
    assert sent.url == f"{PREFIX}/v1/messages"
    assert "wrkspc_other" not in str(sent)
    assert sent.headers["anthropic-user-profile-id"] == "uprof_1"
    assert (sent.body, sent.notes, sent.offer) == (asked.body.data, (), None)
    counted = send(SURFACE, request(endpoint="count_tokens"))
    assert counted.url == f"{PREFIX}/v1/messages/count_tokens"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"project": ""}, "project"),
        ({"workspace": ""}, "workspace"),
        ({"region": "global/../x"}, "region"),
        ({"base_url": ""}, "base_url"),
    ],
)
def test_without_its_place_nothing_is_sent(settings: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match=rf"surfaces\.claude-gcp\.{named}"):
        send(SURFACE, request(), **settings)


def test_what_the_settings_name_stays_one_segment_of_the_path() -> None:
    sent = send(SURFACE, request(), project="example.com:p/q", workspace="w/../x", region="us-east5")
    assert "/v1/projects/example.com:p%2Fq/locations/us-east5/workspaces/w%2F..%2Fx/invoke/" in sent.url


def test_a_narrow_route_keeps_its_place_and_is_what_is_bought() -> None:
    sent = send(SURFACE, request(betas=("a-2026-01-01", "b-2026-01-01")), scope="us")
    assert sent.headers["anthropic-beta"] == "a-2026-01-01,b-2026-01-01"
    assert json.loads(sent.body)["inference_geo"] == "us"
    assert sent.notes == ("added inference_geo: the route keeps us",)
    with pytest.raises(UserError, match="inference_geo"):
        send(SURFACE, request({**HELLO, "inference_geo": "global"}), scope="us")
    narrowed = send(SURFACE, request({**HELLO, "inference_geo": "us"})).offer
    assert narrowed is not None
    assert narrowed.scope == "us"


def test_fast_mode_is_opus_5_5s_alone() -> None:
    fast = {**HELLO, "speed": "fast"}
    offer = send(SURFACE, request(fast, model="claude-opus-5-5"), facts=CLAIMS).offer
    assert offer is not None
    assert offer.tier == "fast"
    with pytest.raises(UserError, match="speed"):
        send(SURFACE, request(fast, model="claude-opus-5"), facts=CLAIMS)


def google(status: str, code: int, message: str = "no") -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


@pytest.mark.parametrize(
    ("status", "code", "error_type", "credential", "retry", "outcome"),
    [
        ("UNAUTHENTICATED", 401, "authentication_error", True, Retry.ELSEWHERE, Outcome.REFUSED),
        ("PERMISSION_DENIED", 403, "permission_error", False, Retry.ELSEWHERE, Outcome.REFUSED),
        ("RESOURCE_EXHAUSTED", 429, "rate_limit_error", False, Retry.ELSEWHERE, Outcome.REFUSED),
        ("UNAVAILABLE", 503, "overloaded_error", False, Retry.ELSEWHERE, Outcome.REFUSED),
        ("DEADLINE_EXCEEDED", 504, "timeout_error", False, Retry.ELSEWHERE, Outcome.FAILED),
        ("INVALID_ARGUMENT", 400, "invalid_request_error", False, Retry.NEVER, Outcome.REFUSED),
    ],
)
def test_errors_of_googles_front(
    status: str, code: int, error_type: str, credential: bool, retry: Retry, outcome: Outcome
) -> None:
    for body in (google(status, code), b"[" + google(status, code) + b"]"):
        failure = ADAPTER.classify(code, {}, body)
        assert (failure.error_type, failure.credential, failure.outcome) == (error_type, credential, outcome)
        assert failure.error.retry is retry


def test_projects_and_accounts_are_not_told() -> None:
    words = "Permission denied on projects/secret-project for robot@secret-project.iam.gserviceaccount.com"
    failure = ADAPTER.classify(403, {}, google("PERMISSION_DENIED", 403, words))
    assert b"secret-project" not in failure.body


def test_an_envelope_of_the_api_passes_as_it_came() -> None:
    body: Any = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    failure = ADAPTER.classify(529, {}, body)
    assert (failure.body, failure.error_type, failure.status) == (body, "overloaded_error", 529)
    assert ADAPTER.request_id({"request-id": "req_1"}) == "req_1"


def test_an_errand_about_a_batch_goes_below_the_workspace() -> None:
    errand = Errand("POST", "/v1/messages/batches", headers={"anthropic-workspace-id": "wrkspc_other"}, body=b"{}")
    sent = ADAPTER.auxiliary(errand, CLAIMS, SETTINGS[SURFACE])  # type: ignore[attr-defined]  # it keeps batches
    assert (sent.method, sent.url, sent.body) == ("POST", f"{PREFIX}/v1/messages/batches", b"{}")
    assert "anthropic-workspace-id" not in sent.headers
