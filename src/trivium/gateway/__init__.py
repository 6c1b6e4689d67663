"""The request pump: the Messages API in front of every surface."""
