"""Demand, prices and limits in; a placement with its reasons out."""
