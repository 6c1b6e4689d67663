"""Spend limits, alerts and their delivery."""
