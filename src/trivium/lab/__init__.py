"""The surfaces of Claude emulated on loopback: an independent witness."""
