"""Lanes are an optimisation: whatever is in a file, they give what a plain walk gives."""

from __future__ import annotations

import random
import struct

import pytest

from parsers.capture.pcap import Pcap
from parsers.capture.pcapng import Pcapng
from parsers.capture.walk import plain_walk, walk
from parsers.capture.window import BACK, FRONT
from tests.parsers.packets import SECOND, block, enhanced, interface, pcap, section


def laid_out(content: bytes) -> tuple[bytearray, int, int]:
    """A window that holds `content`."""
    return bytearray(FRONT) + content + bytearray(BACK), FRONT, FRONT + len(content)


def noise(random_: random.Random, inner: bytes, count: int, size: int) -> list[bytes]:
    """Frames whose payload is another capture's middle: record headers that are none."""
    frames = []
    for _ in range(count):
        begin = random_.randrange(len(inner))
        frames.append(inner[begin : begin + random_.randrange(size)])
    return frames


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", ["<", ">"])
def test_lanes_walk_as_a_plain_walk_does(seed: int, order: str) -> None:
    """Captures in captures, cut anywhere: both walks find the same records and the same end."""
    random_ = random.Random(seed)
    inner = pcap(*(bytes(random_.randrange(200)) for _ in range(2_000)), order=order)
    content = pcap(*noise(random_, inner, 3_000, 1_448 if seed % 2 else 60_000), order=order)[: 4 << 20]
    memory, begin, end = laid_out(content)
    end -= random_.randrange(3_000)
    chain = Pcap(memory, begin)
    chain.take(begin + 24, begin + 5_000, last=False)  # a first look, so that it knows the time
    lanes, lanes_end = walk(chain, begin + 24, end)
    plain, plain_end = plain_walk(chain, begin + 24, end - chain.head_len)
    assert (lanes.tolist(), lanes_end) == (plain.tolist(), plain_end)
    assert len(plain) > 100


@pytest.mark.parametrize("seed", range(4))
def test_lanes_walk_blocks_too(seed: int) -> None:
    """The same for pcapng, with blocks of other kinds between the packets and a block length that cannot be."""
    random_ = random.Random(seed)
    inner = b"".join(enhanced(bytes(random_.randrange(200))) for _ in range(2_000))
    parts = [section(), interface()]
    for frame in noise(random_, inner, 3_000, 2_000):
        parts.append(enhanced(frame))
        if random_.random() < 0.05:
            parts.append(block(5, bytes(random_.randrange(64))))
    if seed % 2:
        parts.insert(2_000, struct.pack("<II", 6, 3))
    memory, begin, end = laid_out(b"".join(parts))
    chain = Pcapng(memory)
    lanes, lanes_end = walk(chain, begin + 28, end)
    plain, plain_end = plain_walk(chain, begin + 28, end - chain.head_len)
    assert (lanes.tolist(), lanes_end) == (plain.tolist(), plain_end)


def test_a_capture_without_a_clock_is_not_searched_for_ever() -> None:
    """Every zero looks like the year 1970: few places are tried, and the plain walk finds the records."""
    content = pcap(*[bytes(1_000)] * 4_000)
    content = content[:24] + content[24:].replace(struct.pack("<I", SECOND), bytes(4))
    memory, begin, end = laid_out(content)
    chain = Pcap(memory, begin)
    tried = 0
    likely = chain._likely

    def count(*place: int, certain: bool, last: bool) -> bool:
        nonlocal tried
        tried += 1
        return likely(*place, certain=certain, last=last)

    chain._likely = count  # type: ignore[method-assign,assignment]
    assert len(chain.take(begin + 24, end, last=True).records.starts) == 4_000
    assert tried <= 64 * 64


def test_a_lane_without_a_record_joins_the_one_before() -> None:
    """One record longer than many lanes: nothing is found in them, and nothing is missed."""
    frames = [bytes(200_000) if index % 7 == 0 else bytes(90) for index in range(200)]
    memory, begin, end = laid_out(pcap(*frames))
    taken = Pcap(memory, begin).take(begin + 24, end, last=True)
    assert taken.records.lengths.tolist() == [len(frame) for frame in frames]
    assert int(taken.records.at_ns[0]) == SECOND * 10**9
    assert taken.gaps == []
