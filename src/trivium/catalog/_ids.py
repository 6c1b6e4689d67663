"""Ids of the claims that price rules state."""

from __future__ import annotations


def rule_id(kind: str, rule: str) -> str:
    """The claim of a rule that states one thing."""
    return f"price.{kind}.{rule}"


def base_id(rule: str, model: str) -> str:
    """The claim of a base rule about one model; `sonnet-5.rise` states `price.base.claude-sonnet-5.rise`."""
    _, dot, suffix = rule.partition(".")
    return f"price.base.{model}{dot}{suffix}"
