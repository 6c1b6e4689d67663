"""What is not served is told in the dialect of the clients that ask there, before anybody shows a key."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.support import AUTH, MODEL, SECRET, Caller, ask, get, json_answer, world

AWS, GOOGLE = {"message"}, {"code", "message", "status"}
PREDICT = "/v1/projects/p/locations/global/publishers/anthropic/models/m"
WORKSPACE = "/v1/projects/p/locations/global/workspaces/w/invoke"


async def answer(method: str, path: str) -> Any:
    return await Caller(world({"anthropic": [json_answer()]}).gateway).send(method, path)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/skills", "/v1//messages", f"{WORKSPACE}/v1/nothing"])
async def test_anthropics_clients_read_the_envelope(path: str) -> None:
    response = await answer("POST", path)
    assert (response.status, response.json()["error"]["type"]) == (404, "not_found_error")
    assert response.json()["error"]["message"] == f"POST {path}: not served here"
    assert response.json()["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/model/m/invoke"),
        ("POST", "/model/m/nothing"),
        ("POST", "/guardrail/g/version/1/apply"),
        ("GET", "/async-invoke"),
        ("GET", "/foundation-models"),
        ("POST", "/inference-profiles"),
    ],
)
async def test_clients_of_aws_read_an_exception_and_an_id_of_the_request(method: str, path: str) -> None:
    response = await answer(method, path)
    assert (response.status, response.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    assert set(response.json()) == AWS
    assert response.headers["x-amzn-requestid"] == response.headers["request-id"]


@pytest.mark.parametrize(("method", "path"), [("GET", f"{PREDICT}:rawPredict"), ("POST", f"{PREDICT}:predict")])
async def test_clients_of_google_read_its_object(method: str, path: str) -> None:
    response = await answer(method, path)
    assert (response.status, set(response.json()["error"])) == (404, GOOGLE)
    assert response.json()["error"]["status"] == "NOT_FOUND"


async def test_clients_of_azure_read_its_form() -> None:
    for method, path in (("POST", "/anthropic/v1/nothing"), ("GET", "/anthropic/v1/messages")):
        response = await answer(method, path)
        assert response.status == 404
        assert response.json() == {
            "error": {"code": "api_not_supported", "message": f"{method} {path}: not served here"}
        }


async def test_clients_of_openai_read_theirs() -> None:
    response = await answer("POST", "/v1/responses")
    error = response.json()["error"]
    assert (response.status, error["type"], error["code"]) == (404, "invalid_request_error", "not_found")
    assert response.headers["x-request-id"] == response.headers["request-id"]
    response = await answer("GET", "/v1/chat/completions")
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method_not_supported"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/messages", "POST"),
        ("PUT", "/v1/messages/count_tokens", "POST"),
        ("OPTIONS", "/v1/messages", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("DELETE", "/v1/messages/batches", "POST, GET"),
        ("PUT", "/v1/files/file_1", "GET, DELETE"),
        ("POST", "/metrics", "GET, HEAD"),
        ("GET", f"{WORKSPACE}/v1/messages", "POST"),
    ],
)
async def test_another_method_is_405_and_names_those_that_the_path_takes(method: str, path: str, allow: str) -> None:
    response = await answer(method, path)
    assert (response.status, response.headers["allow"]) == (405, allow)
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["message"] == f"{method} {path}: this path takes {allow}"


@pytest.mark.parametrize("prefix", ["/anthropic", WORKSPACE])
async def test_models_are_listed_below_the_prefix_of_each_first_party_client(prefix: str) -> None:
    at = world({"anthropic": [json_answer()]})
    page = (await get(at, f"{prefix}/v1/models", authorization=f"Bearer {SECRET}")).json()
    assert page == (await get(at, "/v1/models", x_api_key=SECRET)).json()
    assert [entry["id"] for entry in page["data"]] == [MODEL, "claude-opus-5"]
    one = await get(at, f"{prefix}/v1/models/{MODEL}", authorization=f"Bearer {SECRET}")
    assert one.json() == page["data"][0]
    assert (await get(at, f"{prefix}/v1/models")).status == 401


async def test_answers_to_clients_of_aws_carry_the_id_that_they_read() -> None:
    at = world({"anthropic": [json_answer()]})
    body = ask().replace(f'"model": "{MODEL}"'.encode(), b'"anthropic_version": "bedrock-2023-05-31"')
    response = await Caller(at.gateway).send("POST", f"/model/{MODEL}/invoke", headers=AUTH, body=body)
    assert response.status == 200
    assert response.headers["x-amzn-requestid"] == response.headers["request-id"]
