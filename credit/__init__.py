"""The `credit` command: the composition root that starts, fills, checks and saves the whole suite."""
