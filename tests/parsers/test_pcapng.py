"""The block file: sections, interfaces, every kind of packet block, and blocks that cannot be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.parsers.packets import SECOND, block, enhanced, ether, interface, ip, made, read, section, segment, tcp

FRAMES = [segment(40_000 + index, 5269, b"x" * index) for index in range(40)]
PACKETS = [enhanced(frame, SECOND * 1_000_000 + index) for index, frame in enumerate(FRAMES)]
HEAD = section() + interface()


def simple(frame: bytes, order: str = "<") -> bytes:
    """A simple packet block."""
    return block(3, struct.pack(order + "I", len(frame)) + frame, order)


def obsolete(frame: bytes, number: int = 0, order: str = "<") -> bytes:
    """An obsolete packet block that says that 9 packets were dropped."""
    stamp = SECOND * 1_000_000
    return block(
        2,
        struct.pack(order + "HHIIII", number, 9, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame)) + frame,
        order,
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_packet_block(tmp_path: Path, order: str) -> None:
    """Enhanced, simple and obsolete ones in one section are numbered together."""
    content = section(order) + interface(order=order)
    content += enhanced(FRAMES[1], order=order) + simple(FRAMES[2], order) + obsolete(FRAMES[3], order=order)
    chosen, _, lost, _ = read(made(tmp_path, content))
    assert [(packet.frame, packet.payload) for packet in chosen] == [(1, b"x"), (2, b"xx"), (3, b"xxx")]
    assert {packet.at_ns for packet in chosen} == {SECOND * 10**9} or chosen[1].at_ns == 0
    assert lost == []


def test_a_simple_packet_is_as_long_as_the_snap_length(tmp_path: Path) -> None:
    """Its own length is the one on the wire (section 4.4)."""
    body = struct.pack("<I", len(FRAMES[30])) + FRAMES[30][:64]
    chosen, _, _, _ = read(made(tmp_path, section() + interface(snap=64) + block(3, body)))
    assert (len(chosen[0].payload), chosen[0].length) == (10, 30)


def test_sections_forget_each_other(tmp_path: Path) -> None:
    """Each has its own byte order and its own interfaces; frames are numbered through."""
    raw = ip(tcp(1, 5269))
    content = HEAD + enhanced(FRAMES[0])
    content += section(">") + interface(link=101, order=">") + enhanced(raw, order=">")
    content += section() + enhanced(FRAMES[1])
    chosen, _, _, reading = read(made(tmp_path, content))
    assert [packet.frame for packet in chosen] == [1, 2]
    assert (reading.frames, reading.unknown) == (3, {"interface never described": 1})


def test_interfaces_have_their_own_link_types(tmp_path: Path) -> None:
    """Packets of Ethernet, raw IP and a radio, mixed."""
    raw = ip(tcp(2, 5269))
    content = HEAD + interface(link=101) + interface(link=105)
    content += (
        enhanced(ether(ip(tcp(1, 5269)))) + enhanced(raw, number=1) + enhanced(raw, number=2) + enhanced(raw, number=1)
    )
    chosen, _, _, reading = read(made(tmp_path, content))
    assert [(packet.frame, packet.sport) for packet in chosen] == [(1, 1), (2, 2), (4, 2)]
    assert reading.unknown == {"link type 105": 1}


def test_blocks_without_packets_are_passed_over_unread(tmp_path: Path) -> None:
    """Names, statistics and secrets have no frame number; custom blocks have one, as in Wireshark."""
    secrets = block(10, struct.pack("<II", 0x544C534B, 30) + b"CLIENT_RANDOM not to be read..")
    content = (
        HEAD + block(4, bytes(4)) + secrets + PACKETS[0] + block(5, bytes(12)) + block(0x0BAD, bytes(8)) + PACKETS[1]
    )
    chosen, _, lost, reading = read(made(tmp_path, content))
    assert [packet.frame for packet in chosen] == [1, 3]
    assert reading.unknown == {"no packet, but a custom block or a system event": 1}
    assert lost == []


@pytest.mark.parametrize("length", [0, 8, 11, 0xFFFFFFF0])
def test_a_block_length_that_cannot_be_is_passed_over(tmp_path: Path, length: int) -> None:
    """A length of 0 must not hang, a giant one must not be waited for: the next packet block is found."""
    broken = bytearray(PACKETS[10])
    broken[4:8] = struct.pack("<I", length)
    content = HEAD + b"".join(PACKETS[:10]) + bytes(broken) + b"".join(PACKETS[11:])
    chosen, _, lost, _ = read(made(tmp_path, content))
    assert [packet.sport - 40_000 for packet in chosen] == [*range(10), *range(11, 40)]
    assert [(one.count, one.frame) for one in lost] == [(len(broken), 10)]


def test_a_trailing_length_that_differs_is_damage(tmp_path: Path) -> None:
    """The length stands at both ends of a block for this."""
    broken = PACKETS[10][:-4] + bytes(4)
    chosen, _, lost, _ = read(made(tmp_path, HEAD + b"".join(PACKETS[:10]) + broken + b"".join(PACKETS[11:])))
    assert [packet.sport - 40_000 for packet in chosen] == [*range(10), *range(11, 40)]
    assert [one.count for one in lost] == [len(broken)]


def test_after_damage_a_new_section_is_a_way_on(tmp_path: Path) -> None:
    """Not only packets are looked for."""
    content = HEAD + PACKETS[0] + bytes(400) + section(">") + interface(order=">") + enhanced(FRAMES[1], order=">")
    chosen, _, lost, _ = read(made(tmp_path, content))
    assert [packet.frame for packet in chosen] == [1, 2]
    assert [one.count for one in lost] == [400]


def test_a_cut_last_block_is_said(tmp_path: Path) -> None:
    """Wherever it is cut."""
    for cut in (1, 5, 40, len(PACKETS[1]) - 1):
        chosen, _, lost, _ = read(made(tmp_path, (HEAD + PACKETS[0] + PACKETS[1])[:-cut]))
        assert (len(chosen), [one.count for one in lost]) == (1, [len(PACKETS[1]) - cut])


def test_a_length_without_its_padding_is_rounded_up(tmp_path: Path) -> None:
    """Some writers forget that blocks are padded to four bytes; Wireshark reads them too."""
    body = PACKETS[1][8:-4]
    unaligned = struct.pack("<II", 6, len(PACKETS[1]) - 3) + body + struct.pack("<I", len(PACKETS[1]) - 3)
    chosen, _, lost, _ = read(made(tmp_path, HEAD + unaligned + PACKETS[2]))
    assert (len(chosen), lost) == (2, [])


def test_many_small_sections_take_no_longer_than_one(tmp_path: Path) -> None:
    """A million section headers are not cut into lanes each."""
    content = (section() + interface() + PACKETS[0]) * 3_000
    chosen, _, lost, _ = read(made(tmp_path, content))
    assert (len(chosen), lost) == (3_000, [])
