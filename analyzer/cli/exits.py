"""Exit codes that no verdict gives; those of verdicts are `analyzer.judge.worst_exit_code`'s."""

UNUSABLE = 2
"""The input could not be used."""
BUG = 4
"""A bug of ours."""
