"""The parts of `trivium drill`: what is replayed, the outage, what it cost, how it is shown."""
