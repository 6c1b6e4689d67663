"""Nothing is dropped in silence: refused by name, or left out and reported; a beta and its field go together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_upstream.support import HELLO, OPUS_5, OPUS_45, SETTINGS, HandFacts, request, send
from trivium.core import FactError, NoClaim, Offer, Target, UserError
from trivium.gateway import SurfaceSettings
from trivium.gateway.seams import NotSupported
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.upstream._draft import Rejected
from trivium.gateway.wire.body import Body

TOOL = {"name": "t", "input_schema": {"type": "object"}}


def sent(surface: str, body: dict[str, Any], **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    keys = {"betas", "version", "model", "headers", "endpoint"}
    asked = request({**HELLO, **body}, **{name: value for name, value in options.items() if name in keys})
    outbound = send(surface, asked, **{name: value for name, value in options.items() if name not in keys})
    return json.loads(outbound.body), outbound.notes


def message(*blocks: dict[str, Any], role: str = "user", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(blocks), **more}]}


@pytest.mark.parametrize("surface", ["bedrock", "vertex"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service_tier", "auto"),
        ("service_tier", "standard_only"),
        ("speed", "standard"),
        ("container", None),
        ("mcp_servers", []),
        ("thread", None),
        ("inference_geo", "global"),
        ("inference_geo", "us"),
        ("diagnostics", {"previous_message_id": None}),
        ("fallbacks", [{"model": "claude-sonnet-5"}]),
    ],
)
def test_a_refused_field_that_asks_for_nothing_more_is_left_out_and_reported(
    surface: str, field: str, value: Any
) -> None:
    body, notes = sent(surface, {field: value})
    assert field not in body
    assert notes == (f"left out {field}: {surface} does not take it",)


@pytest.mark.parametrize("surface", ["bedrock", "vertex"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service_tier", "priority"),
        ("speed", "fast"),
        ("container", "container_1"),
        ("container", {"skills": [{"type": "anthropic"}]}),
        ("mcp_servers", [{"type": "url", "name": "m", "url": "https://m.example"}]),
        ("thread", {"id": "thread_1"}),
        ("inference_geo", "eu"),
    ],
)
def test_a_refused_field_whose_loss_would_change_the_answer_is_refused_by_name(
    surface: str, field: str, value: Any
) -> None:
    with pytest.raises(UserError) as refused:
        sent(surface, {field: value})
    assert refused.value.field == field
    assert surface in refused.value.remedy


def test_a_geography_is_kept_by_a_route_of_that_place_or_of_a_region_in_it() -> None:
    for scope, region in (("us", "us-west-2"), ("geo", "us-east-1"), ("in-region", "us-east-1")):
        assert "inference_geo" not in sent("bedrock", {"inference_geo": "us"}, scope=scope, region=region)[0]
    for scope, region in (("global", "us-west-2"), ("eu", "us-west-2")):
        with pytest.raises(UserError, match="inference_geo"):
            sent("bedrock", {"inference_geo": "us"}, scope=scope, region=region)


@pytest.mark.parametrize(
    ("scope", "configured", "region", "profile"),
    [
        ("us", "global", "eu-west-1", "us"),
        ("global", "us", "us-east-1", "global"),
        ("geo-or-regional", "us", "eu-west-1", "us"),
        ("geo-or-regional", "global", "eu-west-1", "eu"),
        ("geo", "geo", "us-east-1", "us"),
        ("geo", "geo", "ap-northeast-1", "geo"),
        ("all", "global", "us-east-1", "global"),
        ("all", "geo", "us-east-1", "us"),
        ("in-region", "us", "us-east-1", "in-region"),
        ("regional", "us", "us-east-1", "in-region"),
    ],
)
def test_a_class_of_scopes_means_the_configured_place_or_that_of_the_region(
    scope: str, configured: str, region: str, profile: str
) -> None:
    class Echo(HandFacts):
        def wire_model(self, surface: str, scope: str, model: str) -> str:
            return f"{scope}.anthropic.{model}"

    known = SETTINGS["bedrock"]
    made = UPSTREAMS["bedrock"].prepare(
        request(HELLO),
        Target(Offer("bedrock", scope, OPUS_5), 1),
        Echo(),
        SurfaceSettings("bedrock", known.base_url, scope=configured, region=region),
    )
    assert made.url.endswith(f"/model/{profile}.anthropic.{OPUS_5}/invoke")
    assert made.offer is None


def test_automatic_caching_is_left_out_where_an_old_model_refuses_it() -> None:
    asked = {"cache_control": {"type": "ephemeral"}}
    assert sent("bedrock", asked, model=OPUS_45) == (
        {"anthropic_version": "bedrock-2023-05-31", **HELLO},
        ("left out cache_control: bedrock does not take it",),
    )
    assert sent("bedrock", asked, model=OPUS_5)[0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("kind", "surface"),
    [
        ("web_search_20250305", "bedrock"),
        ("web_fetch_20250910", "bedrock"),
        ("code_execution_20250825", "bedrock"),
        ("mcp_toolset", "bedrock"),
        ("advisor_20260301", "bedrock"),
        ("web_fetch_20250910", "vertex"),
        ("code_execution_20250825", "vertex"),
    ],
)
def test_a_server_tool_that_the_surface_lacks_is_refused_by_name(kind: str, surface: str) -> None:
    with pytest.raises(UserError, match=kind) as refused:
        sent(surface, {"tools": [TOOL, {"type": kind, "name": "x"}]})
    assert refused.value.field == "tools.1.type"


def test_tools_that_are_not_known_to_be_lacking_are_sent() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"type": "bash_20250124", "name": "bash"}, TOOL]
    assert sent("vertex", {"tools": tools}) == (
        {"anthropic_version": "vertex-2023-10-16", **HELLO, "tools": tools},
        (),
    )


@pytest.mark.parametrize("kind", ["url", "file"])
def test_sources_that_would_have_to_be_fetched_are_refused_with_their_place(kind: str) -> None:
    image = {"type": "image", "source": {"type": kind, kind: "x"}}
    with pytest.raises(UserError) as refused:
        sent("bedrock", message({"type": "text", "text": "url"}, image))
    assert refused.value.field == "messages.0.content.1.source.type"
    with pytest.raises(UserError) as refused:
        sent("bedrock", message({"type": "tool_result", "tool_use_id": "1", "content": [image]}))
    assert refused.value.field == "messages.0.content.0.content.0.source.type"
    base64 = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}
    assert sent("bedrock", message(base64, {"type": "text", "text": '"url"'}))[1] == ()


def test_a_capability_is_refused_in_the_words_that_claude_code_recovers_from() -> None:
    asked = {"messages": [*HELLO["messages"], {"role": "system", "content": "s"}]}
    with pytest.raises(Rejected) as refused:
        sent("foundry", asked)
    assert str(refused.value) == "capability_rejected: mid_conv_system"
    assert refused.value.field == "messages.1.role"
    lacking = HandFacts(lacking={"foundry": {"structured_outputs"}})
    form = {"output_config": {"format": {"type": "json_schema", "schema": {}}}}
    with pytest.raises(Rejected, match=r"^capability_rejected: structured_outputs_unsupported$"):
        sent("foundry", form, facts=lacking)
    assert sent("foundry", form)[0]["output_config"] == form["output_config"]


def test_betas_are_translated_filtered_and_reported() -> None:
    betas = ("context-management-2025-06-27", "advanced-tool-use-2025-11-20", "claude-code-20250219")
    body, notes = sent("bedrock", {}, betas=betas)
    assert body["anthropic_beta"] == ["context-management-2025-06-27", "tool-search-tool-2025-10-19"]
    assert notes == ("left out betas: claude-code-20250219",)
    outbound = send("vertex", request(HELLO, betas=(*betas, "tool-search-tool-2025-10-19")))
    assert outbound.headers["anthropic-beta"] == (
        "context-management-2025-06-27,tool-search-tool-2025-10-19,claude-code-20250219"
    )
    assert "anthropic_beta" not in json.loads(outbound.body)


def test_a_client_cannot_make_the_note_long() -> None:
    class Dropping(HandFacts):
        def beta(self, surface: str, model: str, beta: str) -> str | None:
            return None

    betas = tuple(f"made-up-{number}-{'x' * 1000}" for number in range(500))
    (note,) = send("bedrock", request(HELLO, betas=betas), facts=Dropping()).notes
    assert note.endswith(" and 480 more")
    assert len(note) < 2000


def test_without_betas_nothing_is_said_about_them() -> None:
    assert sent("bedrock", {}) == ({"anthropic_version": "bedrock-2023-05-31", **HELLO}, ())
    assert "anthropic-beta" not in send("vertex", request(HELLO)).headers


PAIRS = [
    ("context-management-2025-06-27", {"context_management": {"edits": []}}, "context_management"),
    ("compact-2026-01-12", {"compaction": {}}, "compaction"),
    ("server-side-fallback-2026-07-01", {"fallbacks": [{"model": "m"}]}, "fallbacks"),
    ("cache-diagnosis-2026-04-07", {"diagnostics": {}}, "diagnostics"),
]


@pytest.mark.parametrize(("beta", "field", "name"), PAIRS)
def test_a_beta_that_is_left_out_takes_its_field_along(beta: str, field: dict[str, Any], name: str) -> None:
    facts = HandFacts(betas={"vertex": {beta: None}}, refused={})
    body, notes = sent("vertex", field, betas=(beta,), facts=facts)
    assert body == {"anthropic_version": "vertex-2023-10-16", **HELLO}
    assert notes == (f"left out betas: {beta}", f"left out {name}: its beta is not accepted there")
    kept = HandFacts(betas={}, refused={})
    assert name in sent("vertex", field, betas=(beta,), facts=kept)[0]
    assert name in sent("vertex", field, facts=facts)[0]  # without its beta it is the surface's to judge


def test_a_field_stays_while_another_of_its_betas_is_accepted() -> None:
    facts = HandFacts(betas={"vertex": {"compact-2026-01-12": None}}, refused={})
    betas = ("compact-2026-01-12", "context-management-2025-06-27")
    assert "context_management" in sent("vertex", {"context_management": {}}, betas=betas, facts=facts)[0]


@pytest.mark.parametrize(
    ("beta", "body", "expected", "what"),
    [
        (
            "per-turn-control-2026-07-01",
            {"messages": [{"role": "system", "content": "s", "output_config": {"effort": "low"}}, *HELLO["messages"]]},
            {"messages": [{"role": "system", "content": "s"}, *HELLO["messages"]]},
            "messages[].output_config",
        ),
        (
            "advanced-tool-use-2025-11-20",
            {"tools": [{**TOOL, "defer_loading": True}, TOOL]},
            {"tools": [TOOL, TOOL]},
            "tools[].defer_loading",
        ),
        (
            "prompt-caching-scope-2026-01-05",
            {
                "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "scope": "global"}}],
                "tools": [{**TOOL, "cache_control": {"scope": "global", "type": "ephemeral", "ttl": "1h"}}],
                **message({"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "scope": "global"}}),
            },
            {
                "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
                "tools": [{**TOOL, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
                **message({"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}),
            },
            "cache_control.scope",
        ),
        (
            "thinking-display-updates-2026-08-18",
            {"thinking": {"type": "adaptive", "display": "updates"}},
            {"thinking": {"type": "adaptive"}},
            'thinking.display "updates"',
        ),
        (
            "thinking-binding-controls-2026-08-01",
            {"thinking": {"type": "adaptive", "block_binding": "none"}},
            {"thinking": {"type": "adaptive"}},
            "thinking.block_binding",
        ),
    ],
)
def test_members_below_the_top_level_go_with_their_beta(
    beta: str, body: dict[str, Any], expected: dict[str, Any], what: str
) -> None:
    facts = HandFacts(betas={"vertex": {beta: None}})
    made, notes = sent("vertex", body, betas=(beta,), facts=facts)
    assert made == {"anthropic_version": "vertex-2023-10-16", **HELLO, **expected}
    assert notes == (f"left out betas: {beta}", f"left out {what}: its beta is not accepted by vertex")
    assert sent("vertex", body, betas=(beta,), facts=HandFacts(betas={}))[0] == {
        "anthropic_version": "vertex-2023-10-16",
        **HELLO,
        **body,
    }


def test_output_config_outlives_the_betas_it_no_longer_needs() -> None:
    config = {"effort": "high", "format": {"type": "json_schema", "schema": {}}, "task_budget": {"tokens": 1}}
    betas = ("effort-2025-11-24", "structured-outputs-2025-11-13", "task-budgets-2026-03-13")
    facts = HandFacts(betas={"vertex": dict.fromkeys(betas)})
    body, notes = sent("vertex", {"output_config": config}, betas=betas, facts=facts)
    assert body["output_config"] == {"effort": "high", "format": config["format"]}
    assert notes[1] == "left out output_config.task_budget: vertex does not take it"
    alone, _ = sent("vertex", {"output_config": {"task_budget": {"tokens": 1}}}, betas=betas, facts=facts)
    assert "output_config" not in alone


def test_bytes_that_are_not_named_stay_as_they_were() -> None:
    data = (
        b'{ "model" : "claude-opus-5",\n "max_tokens":64 , "stream": true,\t"service_tier":"auto",\n'
        b' "tools" : [ {"defer_loading":true, "name":"a"} ,\n{"name" : "b"} ],'
        b'"messages":[{"role":"user","content":"\\u00e9 \\"x\\""}] }'
    )
    asked = request(data, betas=("advanced-tool-use-2025-11-20", "known-2026-01-01"))
    facts = HandFacts(betas={"bedrock": {"advanced-tool-use-2025-11-20": None}})
    outbound = send("bedrock", asked, facts=facts)
    assert outbound.body == (
        b'{ "anthropic_beta":["known-2026-01-01"],"anthropic_version":"bedrock-2023-05-31","max_tokens":64,\n'
        b' "tools" : [ {"name":"a"} ,\n{"name" : "b"} ],'
        b'"messages":[{"role":"user","content":"\\u00e9 \\"x\\""}] }'
    )


@pytest.mark.parametrize("surface", ["anthropic", "foundry"])
def test_a_first_party_body_passes_byte_for_byte_when_the_name_is_the_same(surface: str) -> None:
    data = b'{"model":"claude-opus-5" ,"max_tokens": 1,"unknown_field":[1, 2],"messages":[]}'
    assert send(surface, request(data, betas=("anything-2030-01-01",))).body is data


@pytest.mark.parametrize(
    ("surface", "model", "version", "expected"),
    [
        ("bedrock", OPUS_5, "2026-10-21", "2026-10-21"),
        ("bedrock", OPUS_5, "2023-06-01", "bedrock-2023-05-31"),
        ("bedrock", OPUS_45, "2026-10-21", "bedrock-2023-05-31"),
        ("bedrock", OPUS_45, "2023-06-01", "bedrock-2023-05-31"),
        ("vertex", OPUS_5, "2026-10-21", "2026-10-21"),
        ("vertex", OPUS_5, "2023-06-01", "vertex-2023-10-16"),
    ],
)
def test_a_client_is_never_lifted_to_a_version_it_does_not_speak(
    surface: str, model: str, version: str, expected: str
) -> None:
    body, notes = sent(surface, {"temperature": 0.5}, version=version, model=model)
    assert body["anthropic_version"] == expected
    assert body["temperature"] == 0.5
    lowered = version == "2026-10-21" and expected != version
    assert bool(notes) == lowered


def test_unknown_versions_are_a_missing_fact_and_a_lift_is_refused() -> None:
    class Nothing(HandFacts):
        def versions(self, surface: str, model: str) -> tuple[str, ...]:
            return ()

    class NewOnly(HandFacts):
        def versions(self, surface: str, model: str) -> tuple[str, ...]:
            return ("2026-10-21",)

    with pytest.raises(NoClaim):
        sent("bedrock", {}, facts=Nothing())
    with pytest.raises(UserError, match="anthropic-version"):
        sent("bedrock", {}, facts=NewOnly())
    assert sent("bedrock", {}, facts=NewOnly(), version="2026-10-21")[0]["anthropic_version"] == "2026-10-21"


def test_version_and_betas_pass_verbatim_to_the_first_party() -> None:
    asked = request(HELLO, version="2031-01-01", betas=("a-1", "b-2"), headers={"anthropic-new": "x"})
    headers = send("anthropic", asked).headers
    assert headers["anthropic-version"] == "2031-01-01"
    assert headers["anthropic-beta"] == "a-1,b-2"
    assert headers["anthropic-new"] == "x"


def test_addresses_of_vertex_locations() -> None:
    def url(**settings: Any) -> str:
        return send("vertex", request(HELLO), **settings).url.partition("/projects/")[0]

    assert url(region="", scope="global") == "https://aiplatform.googleapis.com/v1"
    assert url(region="us", scope="regional-or-multi-region") == "https://aiplatform.us.rep.googleapis.com/v1"
    assert url(region="", scope="eu") == "https://aiplatform.eu.rep.googleapis.com/v1"
    assert url(region="europe-west1") == "https://europe-west1-aiplatform.googleapis.com/v1"
    assert url(base_url="http://127.0.0.1:1/v1/") == "http://127.0.0.1:1/v1"
    for wrong in ({"region": ""}, {"region": "x.example/"}, {"project": ""}):
        with pytest.raises(UserError):
            url(**wrong)


def test_what_is_bought_follows_from_what_is_sent() -> None:
    def offer(surface: str, body: dict[str, Any], **options: Any) -> tuple[str, str] | None:
        found = send(surface, request({**HELLO, **body}), **options).offer
        return (found.scope, found.tier) if found else None

    assert offer("anthropic", {}) is None
    assert offer("anthropic", {"speed": "fast"}) == ("global", "fast")
    assert offer("anthropic", {"inference_geo": "us"}) == ("us", "standard")
    assert offer("anthropic", {"inference_geo": "us"}, scope="us") is None
    assert offer("anthropic", {}, tier="batch") == ("global", "standard")
    assert offer("vertex", {}, scope="global", region="us-east5") == ("us-east5", "standard")
    fast = {"deployments": {f"{OPUS_5}+fast": "opus-fast"}}
    assert offer("foundry", {}, tier="fast", **fast) is None
    assert offer("foundry", {}, tier="fast") == ("global-standard", "standard")
    assert json.loads(send("foundry", request(HELLO), tier="fast", **fast).body)["model"] == "opus-fast"


def test_a_route_that_keeps_a_place_says_so_to_the_first_party() -> None:
    outbound = send("anthropic", request(HELLO), scope="us")
    assert json.loads(outbound.body)["inference_geo"] == "us"
    assert outbound.notes == ("added inference_geo: the route keeps us",)
    assert send("anthropic", request(HELLO, endpoint="count_tokens"), scope="us").notes == ()
    with pytest.raises(UserError, match="inference_geo"):
        send("anthropic", request({**HELLO, "inference_geo": "global"}), scope="us")


def test_tokens_are_counted_where_the_surface_counts() -> None:
    asked = request(HELLO, endpoint="count_tokens")
    assert send("anthropic", asked).url == "https://api.anthropic.com/v1/messages/count_tokens"
    assert send("foundry", asked).url.endswith("/anthropic/v1/messages/count_tokens")
    with pytest.raises(NotSupported, match="bedrock counts no tokens for claude-opus-5"):
        send("bedrock", asked)
    counted = send("vertex", request({**HELLO, "tools": []}, endpoint="count_tokens", model=OPUS_45))
    assert counted.url.endswith("/models/count-tokens:rawPredict")
    assert json.loads(counted.body)["model"] == "claude-opus-4-5@20251101"


@pytest.mark.parametrize("surface", ["anthropic", "bedrock", "vertex", "foundry"])
def test_a_model_that_a_surface_does_not_carry_is_a_missing_fact(surface: str) -> None:
    with pytest.raises(FactError):
        send(surface, request(HELLO, model="unknown"))


@pytest.mark.parametrize("surface", ["anthropic", "bedrock", "vertex", "foundry"])
def test_no_part_of_a_request_chooses_where_it_goes(surface: str) -> None:
    evil = "x/../../../@evil.example?a=#b;"
    body = {**HELLO, "base_url": "http://evil.example", "api_base": "http://evil.example", "project": "p"}
    asked = request(body, model=evil, headers={"anthropic-base-url": "http://evil.example"})
    url = send(surface, asked).url
    plain = send(surface, request(HELLO, model="m")).url
    host = plain.split("/")[2]
    assert url.split("/")[2] == host
    assert len(url.split("/")) == len(plain.split("/"))
    assert "?" not in url
    assert "#" not in url


def test_a_body_is_valid_json_after_every_edit() -> None:
    asked = {"service_tier": "auto", "stream": True, "tools": [{**TOOL, "strict": True}]}
    outbound = send("bedrock", request({**HELLO, **asked}, betas=("a",)))
    assert Body(outbound.body).keys()[:2] == ("anthropic_beta", "anthropic_version")
