"""Charts and tables as values, drawn in the terminal."""
