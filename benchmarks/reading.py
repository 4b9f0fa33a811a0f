"""Each file or folder of an archive read and judged by itself, nothing kept: `python -m benchmarks.reading ARCHIVE`.

What `fedtrace batch` is held beside: the same work without rows, pages, fingerprints, and writing to the disk.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from analyzer.analysis import analysis
from parsers.case import read_case
from parsers.source import How


def main(archive: Path) -> None:
    """Read all of it, a case at a time, as a batch does."""
    gc.disable()
    how = How()
    for path in sorted(archive.iterdir()):
        analysis(read_case((str(path),), how), (), how.ports)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
