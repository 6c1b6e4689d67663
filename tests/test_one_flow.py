"""One flow: a request through gateway and lab, its amount on the command line, and the walk back to a dated source."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anthropic

from trivium.cli._up.site import Site, gateway, lab
from trivium.core import Offer, Route, RouteTable, SystemClock, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

MODEL = "claude-opus-5"
OFFER = Offer("bedrock", "us", MODEL)


def trivium(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_request_becomes_an_amount_and_the_amount_leads_back_to_a_dated_source(tmp_path: Path) -> None:
    write_routes(RouteTable((Route("*", "*", (Target(OFFER, 1),)),), "one"), tmp_path / "routes.json")
    with lab(tmp_path) as (said, lab_process), gateway(tmp_path, said, 0) as (url, process):
        site = Site(tmp_path, url, said, process, lab_process)
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            _, secret = ledger.keys.create("search", tags={"team": "a"})

        # a client of the official SDK, which knows nothing of Bedrock
        with anthropic.Anthropic(base_url=url, api_key=secret, max_retries=0) as client:
            message = client.messages.create(
                model=MODEL,
                max_tokens=100,
                messages=[{"role": "user", "content": "[[lab out=40]] one two three four five six"}],
            )
        assert message.usage.output_tokens == 40

        # the amount on the command line: 5.5 USD per million tokens in (us profile: 5 x 1.1), 27.5 out
        spent = trivium("spend", "--db", str(site.ledger), "--by", "workload,tag:team", "--json")
        expected_picos = message.usage.input_tokens * 5_500_000 + 40 * 27_500_000
        assert spent["rows"][0]["workload"] == "search"
        amount_usd = spent["total"]["amount_usd"]
        assert int(amount_usd.partition(".")[2].ljust(12, "0")) == expected_picos
        bill = site.control("GET", "/bill")
        assert bill["total_usd"] == amount_usd

        # and back: amount -> rating -> price row -> claim -> source and date
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            (event,) = list(ledger.events())
        walk = trivium("spend", "--db", str(site.ledger), "--why", event.opened.event_id, "--json")
        assert walk["amount_usd"] == amount_usd
        assert walk["same_book"]
        units = {line["unit"]: line for line in walk["lines"]}
        assert units["input"]["rate_picos"] == 5_500_000
        assert units["output"]["count"] == 40
        for line in walk["lines"]:
            assert line["cell"]
            assert line["claims"]
            for claim in line["claims"]:
                assert claim["sources"]
                assert all(source["title"] and source["date"] for source in claim["sources"])
