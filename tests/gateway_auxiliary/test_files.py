"""Files by the official client through the gateway: bytes as they are, seen by their owner alone, 501 elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from gateway.support import AUTH, Caller
from gateway_auxiliary.support import OPUS, request, results, site
from gateway_upstream.test_through_the_lab import site as one_surface
from trivium.core import Decision
from trivium.lab import Fault

CONTENT = bytes(range(256)) * 40 + b"\r\n--almost-a-boundary\r\n"
READABLE = {"options": {name: {"files_downloadable": True} for name in ("anthropic", "claude-aws", "claude-gcp")}}


@pytest.mark.parametrize("surface", ["anthropic", "claude-aws", "claude-gcp"])
async def test_a_file_goes_up_and_comes_back_byte_for_byte(tmp_path: Path, surface: str) -> None:
    async with site(tmp_path, surface, lab=READABLE) as at:
        client = at.client()
        raw = await client.beta.files.with_raw_response.upload(file=("a b.bin", CONTENT, "application/x-mine"))
        assert raw.headers["x-trivium-surface"] == surface
        uploaded = await raw.parse()
        assert (uploaded.filename, uploaded.size_bytes) == ("a b.bin", len(CONTENT))
        await at.restart()
        client = at.client()
        assert (await client.beta.files.retrieve_metadata(uploaded.id)).mime_type == "application/x-mine"
        content = await client.beta.files.download(uploaded.id)
        assert await content.read() == CONTENT
        assert content.headers["content-type"] == "application/x-mine"
        assert [entry.id async for entry in client.beta.files.list()] == [uploaded.id]
        assert (await client.beta.files.delete(uploaded.id)).id == uploaded.id
        with pytest.raises(anthropic.NotFoundError):
            await client.beta.files.retrieve_metadata(uploaded.id)
        assert [entry.id async for entry in client.beta.files.list()] == []


async def test_the_file_of_another_workload_is_not_found(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", lab=READABLE) as at:
        uploaded = await at.client("search").beta.files.upload(file=("a.txt", b"secret"))
        other = at.client("chat")
        for call in (other.beta.files.retrieve_metadata, other.beta.files.download, other.beta.files.delete):
            with pytest.raises(anthropic.NotFoundError):
                await call(uploaded.id)
        assert [entry.id async for entry in other.beta.files.list()] == []
        assert [entry.id async for entry in other.beta.files.list(ids=[uploaded.id])] == []
        assert [entry.id async for entry in at.client("search").beta.files.list(ids=[uploaded.id, "file_none"])] == [
            uploaded.id
        ]


async def test_lists_are_whole_by_either_kind_of_cursor(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at, httpx2.AsyncClient() as plain:
        client = at.client()
        made = [(await client.beta.files.upload(file=(f"{number}.txt", b"x"))).id for number in range(5)]
        made.reverse()
        for limit in (1, 2, 5):
            assert [entry.id async for entry in client.beta.files.list(limit=limit)] == made
        url, headers = f"{at.url}/v1/files", {"x-api-key": at.secret("search")}
        page = (await plain.get(f"{url}?limit=2&after_id={made[1]}", headers=headers)).json()
        assert ([entry["id"] for entry in page["data"]], page["has_more"]) == (made[2:4], True)
        assert (page["first_id"], page["last_id"], page["next_page"]) == (made[2], made[3], f"page_{made[3]}")
        assert (await plain.get(f"{url}?scope_id=x", headers=headers)).status_code == 400


@pytest.mark.parametrize("surface", ["bedrock", "vertex", "foundry"])
async def test_a_surface_without_files_says_so(tmp_path: Path, surface: str) -> None:
    async with site(tmp_path, surface) as at:
        client = at.client()
        for call in (
            client.beta.files.upload(file=("a.txt", b"x")),
            client.beta.files.retrieve_metadata("file_1"),
            client.beta.files.list(),
        ):
            with pytest.raises(anthropic.APIStatusError) as refused:
                await call
            assert refused.value.status_code == 501
            assert refused.value.response.headers["x-should-retry"] == "false"
            assert surface in str(refused.value)
            assert "/v1/files" in str(refused.value)


async def test_foundrys_own_paths_and_the_google_prefix_are_understood(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at, httpx2.AsyncClient() as plain:
        uploaded = await at.client().beta.files.upload(file=("a.txt", b"x"))
        foundry = f"{at.url}/anthropic/v1/files/{uploaded.id}"
        assert (await plain.get(foundry, headers={"api-key": at.secret("search")})).json()["id"] == uploaded.id
        google = f"{at.url}/v1/projects/p/locations/l/workspaces/w/invoke/v1/files"
        bearer = {"authorization": f"Bearer {at.secret('search')}"}
        assert (await plain.get(google, headers=bearer)).json()["first_id"] == uploaded.id


async def test_a_content_that_breaks_off_is_seen_to_be_incomplete(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", lab=READABLE) as at:
        uploaded = await at.client().beta.files.upload(file=("a.bin", CONTENT))
        at.lab.faults.add(Fault("cut", path="*/content", count=1, after_bytes=100))
        with pytest.raises((anthropic.APIConnectionError, httpx2.HTTPError)):
            await (await at.client().beta.files.download(uploaded.id)).read()


async def test_a_signed_upload_is_accepted_by_the_platform(tmp_path: Path) -> None:
    """The signature covers the multipart body and its boundary; the facts of the catalogue say who takes files."""
    async with one_surface(tmp_path, "claude-aws", region="us-west-2") as at:
        body = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--xyz--\r\n'
        headers = {**AUTH, "content-type": "multipart/form-data; boundary=xyz"}
        made = await Caller(at.gateway).send("POST", "/v1/files", headers=headers, body=body)
        assert made.status == 200
        name = made.json()["id"]
        assert (await Caller(at.gateway).send("GET", f"/v1/files/{name}", headers=AUTH)).json()["size_bytes"] == 1
        assert at.sink.opened_events == []


async def test_hidden_parts_of_a_path_reach_no_surface(tmp_path: Path) -> None:
    async with one_surface(tmp_path, "anthropic") as at:
        for path in ("/v1/files/..%2fmodels", "/v1/files/../models", "/v1/files/a/../b", "/v1/files/a/b", "/v1/files/"):
            assert (await Caller(at.gateway).send("GET", path, headers=AUTH)).status == 404
        assert at.lab.seen.counts == {}


def document(file_id: str) -> Any:
    source = {"type": "document", "source": {"type": "file", "file_id": file_id}}
    return [{"role": "user", "content": [source, {"type": "text", "text": "[[lab out=9]] what is this"}]}]


def routes(**by_workload: tuple[str, ...]) -> Any:
    def target(surface: str, weight: int) -> dict[str, Any]:
        return {"surface": surface, "scope": "global", "model": "*", "weight": weight}

    return {
        "routes": [
            {
                "workload": name,
                "model": "*",
                "targets": [target(one, int(not place)) for place, one in enumerate(names)],
            }
            for name, names in by_workload.items()
        ]
    }


async def test_a_message_goes_where_its_file_lies_and_nowhere_else(tmp_path: Path) -> None:
    ask: Any = {"model": OPUS, "max_tokens": 99}
    async with site(tmp_path, "anthropic", "claude-aws", routes=routes(search=("claude-aws", "anthropic"))) as at:
        client = at.client()
        uploaded = await client.beta.files.upload(file=("a.txt", b"x"))
        at.routes = routes(search=("anthropic", "claude-aws"))  # the plan changed
        await at.restart()
        client = at.client()
        plain = await client.messages.with_raw_response.create(**ask, messages=[{"role": "user", "content": "a"}])
        assert plain.headers["x-trivium-surface"] == "anthropic"
        pinned = await client.messages.with_raw_response.create(**ask, messages=document(uploaded.id))
        assert pinned.headers["x-trivium-surface"] == "claude-aws"
        (attempt,) = at.runtime.ledger.attempts(pinned.headers["x-trivium-request-id"])
        decision = Decision.decode(attempt.decision)
        assert decision is not None
        assert [(one.code, one.detail) for one in decision.considered] == [
            ("file", "it lies at claude-aws"),
            ("order", ""),
        ]
        counted = await client.messages.with_raw_response.count_tokens(model=OPUS, messages=document(uploaded.id))
        assert counted.headers["x-trivium-surface"] == "claude-aws"
        at.lab.faults.add(Fault("status", surface="claude-aws", status=529))
        with pytest.raises(anthropic.APIStatusError) as overloaded:
            await client.messages.create(**ask, messages=document(uploaded.id))
        assert overloaded.value.status_code == 529


async def test_a_file_of_another_workload_or_of_nobody_is_not_found_in_a_message(tmp_path: Path) -> None:
    ask: Any = {"model": OPUS, "max_tokens": 99}
    async with site(tmp_path, "anthropic") as at:
        uploaded = await at.client("search").beta.files.upload(file=("a.txt", b"x"))
        async with anthropic.AsyncAnthropic(base_url=at.lab.url(), api_key=at.lab.key()) as behind:
            outside = await behind.beta.files.upload(file=("b.txt", b"y"))
        for workload, file_id in (("chat", uploaded.id), ("search", outside.id), ("search", "file_none")):
            with pytest.raises(anthropic.NotFoundError, match=f"File not found: {file_id}"):
                await at.client(workload).messages.create(**ask, messages=document(file_id))
        assert (at.lab.seen.counts["anthropic", "/v1/messages", 200], at.runtime.ledger.first_at()) == (0, None)
        assert (
            await at.client("search").messages.create(**ask, messages=document(uploaded.id))
        ).usage.output_tokens == 9


async def test_escapes_and_nesting_hide_no_file(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as at, httpx2.AsyncClient() as plain:
        uploaded = await at.client("search").beta.files.upload(file=("a.txt", b"x"))
        source = '{"type":"document","source":{"type":"\\u0066ile","file\\u005fid":"%s"}}' % uploaded.id  # noqa: UP031  braces
        result = '{"type":"tool_result","tool_use_id":"t","content":[%s]}' % source  # noqa: UP031  braces
        for block in (source, result):
            body = '{"model":"%s","max_tokens":9,"messages":[{"role":"user","content":[%s]}]}' % (OPUS, block)  # noqa: UP031
            headers = {"x-api-key": at.secret("chat"), "anthropic-version": "2023-06-01"}
            answer = await plain.post(f"{at.url}/v1/messages", headers=headers, content=body.encode())
            assert (answer.status_code, uploaded.id in answer.text) == (404, True)


async def test_a_file_that_no_route_reaches_is_refused_by_name(tmp_path: Path) -> None:
    ask: Any = {"model": OPUS, "max_tokens": 99}
    async with site(tmp_path, "anthropic", "bedrock") as at:
        client = at.client()
        uploaded = await client.beta.files.upload(file=("a.txt", b"x"))
        at.routes = routes(search=("bedrock",))
        await at.restart()
        with pytest.raises(
            anthropic.BadRequestError, match=rf"file_id: '{uploaded.id}': it lies at anthropic, and no route"
        ):
            await at.client().messages.create(**ask, messages=document(uploaded.id))


async def test_a_batch_goes_where_its_files_lie(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", "claude-aws", routes=routes(search=("claude-aws", "anthropic"))) as at:
        there = await at.client().beta.files.upload(file=("a.txt", b"x"))
        at.routes = routes(search=("anthropic", "claude-aws"))
        await at.restart()
        client = at.client()
        here = await client.beta.files.upload(file=("b.txt", b"y"))
        requests = [request("plain"), request("named", messages=document(there.id))]
        made = await client.messages.batches.with_raw_response.create(requests=requests)
        assert made.headers["x-trivium-surface"] == "claude-aws"
        at.advance(3600)
        found = await results(client, (await made.parse()).id)
        assert {name: result.type for name, result in found.items()} == {"plain": "succeeded", "named": "succeeded"}
        assert at.spent() == at.lab.bill.total()
        with pytest.raises(anthropic.BadRequestError, match="upload them to one surface"):
            await client.messages.batches.create(
                requests=[request("a", messages=document(there.id)), request("b", messages=document(here.id))]
            )
        with pytest.raises(anthropic.NotFoundError, match="file_none"):
            await client.messages.batches.create(requests=[request("a", messages=document("file_none"))])


async def test_nesting_without_end_is_no_failure_of_ours(tmp_path: Path) -> None:
    async with one_surface(tmp_path, "anthropic") as at:
        deep = '{"type":"file","file_id":"file_deep"}'
        for _ in range(300):
            deep = f'{{"type":"tool_result","content":[{deep}]}}'
        body = f'{{"model":"{OPUS}","max_tokens":9,"messages":[{{"role":"user","content":[{deep}]}}]}}'
        answer = await Caller(at.gateway).send("POST", "/v1/messages", headers=AUTH, body=body.encode())
        assert (answer.status, answer.json()["error"]["message"]) == (404, "File not found: file_deep")


async def test_a_claim_of_ones_own_opens_the_files_of_a_foundry_resource(tmp_path: Path) -> None:
    """The shipped claims differ by who hosts the deployment, so they do not answer; the organisation knows."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "own.csv").write_text(
        "id,surface,predicate,value,status,seen,source\n"
        "our.foundry.files,foundry,files_api,yes,contracted,2026-11-20,our deployment is hosted on Anthropic\n"
    )
    hosted = {"options": {"foundry": {"hosting": "anthropic"}}}
    async with site(tmp_path, "foundry", lab=hosted, paths={"overlays": ["ours"]}) as at:
        client = at.client()
        uploaded = await client.beta.files.upload(file=("a.txt", b"x"))
        assert [entry.id async for entry in client.beta.files.list()] == [uploaded.id]
        ask: Any = {"model": OPUS, "max_tokens": 99}
        assert (await client.messages.create(**ask, messages=document(uploaded.id))).usage.output_tokens == 9
        with pytest.raises(anthropic.APIStatusError) as refused:
            await client.messages.batches.create(requests=[request("a")])
        assert refused.value.status_code == 501
