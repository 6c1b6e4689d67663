"""Who finances whom, what is owed, whether it can be served, and what a failure would set off."""
