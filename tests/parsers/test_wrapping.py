"""What carries a line is taken off, and nothing else."""

from __future__ import annotations

import pytest

from parsers.wrapping import plain, unwrap

LINE = "s2sin10faba0\tinfo\tIncoming s2s stream example.net->example.com closed"


@pytest.mark.parametrize(
    ("carried", "time", "program"),
    [
        (LINE, None, None),
        (f"prosody_1  | {LINE}", None, None),
        (f"Nov 22 11:08:05 host prosody[176]: {LINE}", "Nov 22 11:08:05", "prosody"),
        (f"Nov  2 2026 11:08:05 host prosody: {LINE}", "Nov  2 2026 11:08:05", "prosody"),
        (f"<30>Nov 22 11:08:05 prosody[176]: {LINE}", "Nov 22 11:08:05", "prosody"),
        (f"2026-11-22T11:08:05+0000 host prosody[176]: {LINE}", "2026-11-22T11:08:05+0000", "prosody"),
        (f"<30>1 2026-11-22T11:08:05.25Z host prosody 176 - - {LINE}", "2026-11-22T11:08:05.25Z", "prosody"),
        (f"2026-11-22T11:08:05.123456789Z stdout F {LINE}", "2026-11-22T11:08:05.123456789Z", None),
        (
            '{"log":"s2sin10faba0\\tinfo\\tIncoming s2s stream example.net->example.com closed\\n",'
            '"stream":"stdout","time":"2026-11-22T11:08:05.1Z"}',
            "2026-11-22T11:08:05.1Z",
            None,
        ),
        (
            '{"MESSAGE":"s2sin10faba0\\tinfo\\tIncoming s2s stream example.net->example.com closed",'
            '"__REALTIME_TIMESTAMP":"1795345685123456","SYSLOG_IDENTIFIER":"prosody"}',
            "1795345685.123456",
            "prosody",
        ),
    ],
)
def test_every_carrier_gives_the_same_line(carried: str, time: str | None, program: str | None) -> None:
    """With its own time, for programs that write none."""
    assert unwrap(carried) == (LINE, time, program)


def test_colours_and_spelt_out_tabs_go() -> None:
    """As terminals and rsyslog leave them."""
    assert plain("\x1b[1minfo\x1b[0m\tready") == "info\tready"
    assert plain("#033[1minfo#033[0m#011ready") == "info\tready"
    assert plain("bug #012 stays") == "bug #012 stays"


@pytest.mark.parametrize("text", ["{", "{}", '{"MESSAGE":3}', '{"a":' * 5000, "[1,2]", "<30>", ""])
def test_what_is_no_carrier_stays(text: str) -> None:
    """Also JSON that is none, or nested without end."""
    assert unwrap(text) == (text, None, None)
