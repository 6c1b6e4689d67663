"""Dated, sourced claims about prices, capabilities, limits and deals; immutable snapshots of them."""
