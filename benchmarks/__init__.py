"""Speed and memory of `fedtrace analyze` beside other programs, in one run, as ratios: `python -m benchmarks`."""
