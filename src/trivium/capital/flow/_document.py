"""Circular flow as one JSON document: amounts in whole USD, ratios as decimal strings beside their two amounts."""

from __future__ import annotations

from typing import Any

from trivium.capital.deals import decimal_text
from trivium.capital.flow._values import Flow


def flow_document(flow: Flow) -> dict[str, Any]:
    """Everything that was found, for a program to read."""
    around = flow.circulation
    return {
        "circulation": {
            "total_usd": around.total_usd,
            "circulating_usd": around.circulating_usd,
            "invested_usd": around.invested_usd,
            "returned_usd_max": around.returned_usd,
            "into_model_makers_usd": around.into_makers_usd,
            "model_makers_returned_usd_max": around.makers_returned_usd,
            "counted_twice_usd": flow.counted_twice_usd,
            "rounded_to_usd": around.unit_usd,
        },
        "commitments": [
            {
                "from": one.payer,
                "to": one.receiver,
                "committed_usd": one.committed_usd,
                "returned_usd_low": one.low_usd,
                "returned_usd_high": one.high_usd,
                "share_low": decimal_text(one.low),
                "share_high": decimal_text(one.high),
            }
            for one in around.commitments
        ],
        "round_trips": [
            {
                "buyer": one.buyer,
                "supplier": one.supplier,
                "committed_usd": one.committed_usd,
                "invested_usd": one.invested_usd,
                "conditional_usd": one.conditional_usd,
                "stages": list(one.stages),
                "ratio": decimal_text(one.ratio),
                "supplier_buys_usd": one.also_usd,
                "ratio_with_purchases": decimal_text(one.ratio_with_purchases),
                "claims": list(one.deals),
            }
            for one in flow.round_trips
        ],
        "cycles": [
            {"parties": list(one.parties), "bottleneck_usd": one.bottleneck_usd, "narrowest": list(one.narrowest)}
            for one in flow.cycles
        ],
        "years": [
            {
                "year": one.year,
                "total_usd": one.total_usd,
                "circulating_usd": one.circulating_usd,
                "invested_usd": one.invested_usd,
                "returned_usd_max": one.returned_usd,
            }
            for one in flow.years
        ],
        "edges": [
            {"claim": one.deal, "from": one.payer, "to": one.receiver, "for": one.head, "usd": one.usd}
            for one in flow.edges
        ],
        "left_out": [{"claim": name, "why": why} for name, why in flow.left_out],
        "assumed": list(flow.assumed),
        "schedules_assumed": list(flow.schedules_assumed),
    }
