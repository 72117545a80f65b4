"""Background branches of runs: the table of jobs."""
