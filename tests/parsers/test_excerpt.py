"""Frames that are read again: those asked for and no others, as they lie in the file, whatever the file is."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from parsers.capture.excerpt import Frame, Stretch, frames
from parsers.capture.inflate import zstd
from parsers.errors import SourceUnreadable
from tests.parsers.packets import (
    HERE,
    SECOND,
    THERE,
    block,
    enhanced,
    ether,
    interface,
    ip,
    lookup,
    made,
    pcap,
    question,
    section,
    segment,
    syn,
    tcp,
    udp,
)

OURS = Stretch((HERE, 40_000), (THERE, 5269))
TALK = (
    syn(40_000, 5269),
    syn(40_001, 5269),
    segment(5269, 40_000, b"hello", src=THERE, dst=HERE),
    lookup(question("_xmpp-server._tcp.example.com")),
    segment(40_000, 5269),
    syn(40_000, 5269),
)


def numbers(found: list[Frame]) -> list[int]:
    """Wireshark's numbers of them."""
    return [frame.number for frame in found]


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_conversation_and_a_number(tmp_path: Path, packed: object, order: str) -> None:
    """Both directions, pure ACKs too; of another conversation nothing, of a number that frame."""
    assert callable(packed)
    path = made(tmp_path, packed(pcap(*TALK, order=order)))
    found = list(frames(path, {4, 99}, [OURS]))

    assert numbers(found) == [1, 3, 4, 5, 6]
    assert [frame.data for frame in found] == [TALK[n - 1] for n in (1, 3, 4, 5, 6)]
    assert found[1].at_ns == SECOND * 10**9 + 2_000
    assert numbers(list(frames(path, (), [OURS._replace(first=2, last=5)]))) == [3, 5]
    assert list(frames(path, (), ())) == []


def test_what_the_snap_length_cut_keeps_its_length(tmp_path: Path) -> None:
    """The header of the file and of the frame say what is missing; a clock of nanoseconds stays one."""
    long = segment(40_000, 5269, b"x" * 1_000)
    for magic in (0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34):
        (frame,) = frames(made(tmp_path, pcap(long, snap=96, magic=magic)), {1}, ())

        assert (len(frame.data), frame.wire_len) == (96, len(long))
        assert (frame.interface.snap_len, frame.interface.link) == (96, 1)
        assert frame.interface.digits == (9 if magic == 0xA1B23C4D else 6)


def test_each_packet_of_a_pcapng_has_its_own_interface(tmp_path: Path) -> None:
    """Sections of both byte orders, simple and obsolete packet blocks, names and clocks of interfaces."""
    named = struct.pack("<HH4sHHI", 2, 4, b"eth0", 9, 1, 9) + bytes(4)
    big = struct.pack(">HH4s", 2, 3, b"lan\0") + bytes(4)
    first, second = TALK[0], TALK[2]
    obsolete = struct.pack(">HHIIII", 0, 7, 0, 5, len(second), len(second)) + second
    content = (
        section()
        + interface(options=named)
        + interface(snap=64)
        + enhanced(first, stamp=SECOND * 10**9)
        + enhanced(first, number=1)
        + section(">")
        + interface(options=big, order=">")
        + block(3, struct.pack(">I", len(second)) + second, ">")
        + block(2, obsolete, ">")
    )
    found = list(frames(made(tmp_path, content), (), [OURS]))

    assert numbers(found) == [1, 2, 3, 4]
    assert [frame.interface.name for frame in found] == ["eth0", "", "lan", "lan"]
    assert [frame.interface.digits for frame in found] == [9, 6, 6, 6]
    assert [frame.interface.snap_len for frame in found] == [0, 64, 0, 0]
    assert [frame.wire_len for frame in found] == [len(first), len(first), len(second), len(second)]


def test_windows_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interfaces that were described long ago are still known."""
    monkeypatch.setattr("parsers.capture.container.WINDOW_LEN", 700)
    content = section() + interface(snap=77) + b"".join(enhanced(frame) for frame in TALK * 20)
    found = list(frames(made(tmp_path, content), (), [OURS]))

    assert len(found) == 80
    assert {frame.interface.snap_len for frame in found} == {77}


def test_all_fragments_of_what_is_wanted_come_along(tmp_path: Path) -> None:
    """A segment of ours in three parts out of order, one of others, an answer that is wanted by number."""

    def parts(body: bytes, proto: int, ident: int) -> list[bytes]:
        """The datagram in three fragments, the middle one first."""
        cut = (
            [(8, 24, True), (0, 8, True), (24, None, False)]
            if proto == 17
            else [(24, 48, True), (0, 24, True), (48, None, False)]
        )
        return [
            ether(ip(body[a:b], proto=proto, place=a // 8 | (0x2000 if more else 0), ident=ident)) for a, b, more in cut
        ]

    ours = parts(tcp(40_000, 5269, b"y" * 60), 6, 1)
    other = parts(tcp(40_009, 5269, b"y" * 60), 6, 2)
    message = parts(udp(53, 40_000, b"z" * 40), 17, 3)
    path = made(tmp_path, pcap(*ours, *other, *message))

    assert sorted(numbers(list(frames(path, {9}, [OURS])))) == [1, 2, 3, 7, 8, 9]


def test_a_file_that_is_no_capture_any_more(tmp_path: Path) -> None:
    """It was one when it was read first."""
    with pytest.raises(SourceUnreadable):
        list(frames(made(tmp_path, b"rotated"), {1}, ()))
