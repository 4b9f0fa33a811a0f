"""An input, what is known of it, and what the user said of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from parsers.source import FEDERATION_PORTS, How, Reading, Source


def test_what_the_user_did_not_say() -> None:
    """Federation's two ports, no other names, no offset, no format."""
    how = How()

    assert how.ports == FEDERATION_PORTS == (5269, 5270)
    assert (how.dns_names, how.offset_ns, how.format) == ((), 0, None)


def test_a_source_is_a_fact_and_a_reading_goes_on() -> None:
    """What an input is does not change while it is read; what reading it has come to does."""
    source = Source(name="cups.pcap", path=Path("cups.pcap"), format="capture")
    reading = Reading()
    reading.frames = 7

    with pytest.raises(dataclasses.FrozenInstanceError):
        source.format = None  # type: ignore[misc]
    assert reading.frames == 7
    assert Reading().unknown is not Reading().unknown
