"""A price book cut from a snapshot, and exact amounts from it."""
