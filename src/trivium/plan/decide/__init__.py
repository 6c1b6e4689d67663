"""Deciding: organisation, demand, prices and evidence become a placement with its reasons."""
