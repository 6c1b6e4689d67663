"""The composition root: settings are read and rooms joined here, and nowhere else."""
