"""Files by the official client through the gateway: bytes as they are, seen by their owner alone, 501 elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from gateway.support import AUTH, Caller
from gateway_auxiliary.support import site
from gateway_upstream.test_through_the_lab import site as one_surface
from trivium.lab import Fault

CONTENT = bytes(range(256)) * 40 + b"\r\n--almost-a-boundary\r\n"
READABLE = {"options": {name: {"files_downloadable": True} for name in ("anthropic", "claude-aws")}}


@pytest.mark.parametrize("surface", ["anthropic", "claude-aws"])
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
