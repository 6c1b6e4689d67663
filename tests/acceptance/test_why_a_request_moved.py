"""A surface goes away under a session with a warm cache: `trivium why` says where it went, and what it lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anthropic

from trivium.cli._up.site import Site, gateway, lab
from trivium.core import Money, Offer, Route, RouteTable, SystemClock, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

MODEL = "claude-opus-5"
HOME, OTHER = Offer("anthropic", "global", MODEL), Offer("bedrock", "us", MODEL)


def trivium(*arguments: str) -> str:
    command = [sys.executable, "-m", "trivium.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_d20_a_moved_session_is_explained_with_the_price_of_its_lost_cache(tmp_path: Path) -> None:
    targets = (Target(HOME, 1), Target(OTHER, 0))
    write_routes(RouteTable((Route("*", "*", targets),), "two"), tmp_path / "routes.json")
    with lab(tmp_path) as (said, lab_process), gateway(tmp_path, said, 0) as (url, process):
        site = Site(tmp_path, url, said, process, lab_process)
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            _, secret = ledger.keys.create("search")
        session = {"x-claude-code-session-id": "11111111-2222-3333-4444-555555555555"}
        with anthropic.Anthropic(base_url=url, api_key=secret, max_retries=0, default_headers=session) as client:

            def ask() -> tuple[str, anthropic.types.Usage]:
                got = client.messages.with_raw_response.create(
                    model=MODEL,
                    max_tokens=50,
                    system=[
                        {"type": "text", "text": " ".join(["word"] * 9000), "cache_control": {"type": "ephemeral"}}
                    ],
                    messages=[{"role": "user", "content": "[[lab out=10]] go on"}],
                )
                return got.headers["x-trivium-request-id"], got.parse().usage

            _, written = ask()
            kept_id, read = ask()
            cached = read.cache_read_input_tokens or 0
            assert cached == written.cache_creation_input_tokens == 9000
            site.control("POST", "/surfaces/anthropic/kill", {"drain": True})
            moved_id, anew = ask()
            stayed_id, again = ask()
        assert (anew.cache_creation_input_tokens, again.cache_read_input_tokens) == (cached, cached)

        found = json.loads(trivium("why", kept_id, "--db", str(site.ledger), "--json"))
        (kept,) = found["attempts"]
        assert (kept["decision"]["affinity"], kept["decision"]["found_by"]) == ("kept", "session")
        assert [one["code"] for one in kept["decision"]["considered"]] == ["cache"]

        found = json.loads(trivium("why", moved_id, "--db", str(site.ledger), "--json"))
        failed, answered = found["attempts"]
        assert failed["offer"]["surface"] == "anthropic"
        decision = answered["decision"]
        assert (decision["affinity"], decision["home"], decision["lost_tokens"]) == ("moved", str(HOME), 9000)
        # 9,000 tokens x 1.1 x (6.25 - 0.50) USD a million: the US profile of Bedrock has a premium of a tenth
        assert Money.from_usd(decision["lost_usd"]) == Money.from_usd("0.056925")
        assert [one["code"] for one in decision["considered"]] == ["failed", "order"]

        told = " ".join(trivium("why", moved_id, "--db", str(site.ledger)).split())
        assert f"{moved_id}: 2 attempts" in told
        assert f"moved away from {HOME} (found by its session)" in told
        assert "9,000 tokens must be cached anew, for 0.056925 USD" in told
        assert f"{HOME} failed" in told
        assert f"{OTHER} chosen: next in the order of the route" in told
        (stayed,) = json.loads(trivium("why", stayed_id, "--db", str(site.ledger), "--json"))["attempts"][-1:]
        assert (stayed["decision"]["affinity"], stayed["decision"]["home"]) == ("kept", str(OTHER))
