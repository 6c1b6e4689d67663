"""One file for each surface."""
