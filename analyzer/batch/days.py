"""Days, as the data sets are parted by them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

NO_DAY = "1970-01-01"
"""The partition of rows that no instant is known of: a day, so that every reader finds days and no texts."""
DAY_NS = 86_400 * 10**9
"""A day; UTC has no other."""
_LAST_NS = (1 << 63) - 1


def day(at_ns: int | None) -> str:
    """The UTC day of an instant, as its partition is called."""
    if at_ns is None or not 0 <= at_ns <= _LAST_NS:
        return NO_DAY
    return _called(at_ns // DAY_NS)


@lru_cache(maxsize=1_000)
def _called(number: int) -> str:
    """What a day is called, the same for all of its rows; `number` counts days since 1970."""
    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()
