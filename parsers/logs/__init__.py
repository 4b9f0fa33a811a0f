"""One file for each program's log."""
