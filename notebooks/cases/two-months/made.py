"""Makes `prosody.log.gz` beside it: two months of a server's s2s log, five peers, at the level info.

The lines are Prosody's own words (see ../../../tests/formats/prosody.md); the days are made up:
gmail.com works until the 40th day and then refuses our certificate, example.net is down on each third day,
webexcust.com flaps, the others are well.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2014, 4, 9, tzinfo=UTC)
DAYS = 60
REFUSED = "not-authorized (Your server's certificate is not trusted)"
UNKNOWN = "host-unknown (This host does not serve {peer})"


def fate(peer: str, day: int) -> str | None:
    """Why the peer refuses us on that day; None where it does not."""
    if peer == "gmail.com" and day >= 40:
        return REFUSED
    if peer == "example.net" and day % 3 == 0:
        return UNKNOWN.format(peer=peer)
    if peer == "webexcust.com" and day % 7 in (2, 3):
        return REFUSED
    return None


def lines() -> Iterator[str]:
    """Every peer is tried twice a day."""
    number = 0x55C0D0000000
    for day in range(DAYS):
        for hour in (8, 15):
            for minute, peer in enumerate(
                ("gmail.com", "example.net", "webexcust.com", "a.fed.example", "b.fed.example")
            ):
                number += 0x10
                at = f"{BEGIN + timedelta(days=day, hours=hour, minutes=minute):%b %d %H:%M:%S}"
                tag = f"s2sout{number:x}"
                yield f"{at} {tag}\tinfo\tBeginning new connection attempt to {peer} ([198.51.100.{10 + minute}]:5269)"
                why = fate(peer, day)
                if why is None:
                    yield f"{at} {tag}\tinfo\tOutgoing s2s connection cupdomain.com->{peer} complete"
                else:
                    yield f"{at} {tag}\tinfo\tSession closed by remote with error: {why}"
                    yield f"{at} {tag}\tinfo\tOutgoing s2s stream cupdomain.com->{peer} closed: {why}"


if __name__ == "__main__":
    text = "".join(f"{line}\n" for line in lines()).encode()
    Path(__file__).with_name("prosody.log.gz").write_bytes(gzip.compress(text, mtime=0))
