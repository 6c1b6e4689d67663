"""What clients speak: requests, server-sent events, error bodies."""
