"""Reassembly: segments in any order come out as the bytes that were sent, and what is missing is said."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parsers.wire import reassembly
from parsers.wire.reassembly import LATE_SEGMENTS, Direction, Hole, Piece

ISN = 0xFFFF_FFF0
"""Sixteen bytes before sequence numbers wrap, so that most tests cross the wrap."""


def sent(direction: Direction, at: int, text: bytes, token: object = None) -> list[Piece | Hole]:
    """A whole segment whose first byte is the stream's byte `at`."""
    return direction.segment((ISN + 1 + at) & 0xFFFF_FFFF, text, len(text), token)


def opened() -> Direction:
    """A direction that has sent its SYN."""
    direction = Direction()
    direction.syn(ISN)
    return direction


def more(direction: Direction, at: int, count: int) -> list[Piece | Hole]:
    """So many segments of one byte, in order; gives what came out with the last."""
    out: list[Piece | Hole] = []
    for number in range(count):
        out = sent(direction, at + number, b".", 100 + number)
    return out


def test_segments_in_order_come_out_at_once() -> None:
    """Each segment is readable when it comes, with its own token."""
    direction = opened()
    assert sent(direction, 0, b"<stream:stream ", "frame 4") == [Piece(b"<stream:stream ", "frame 4")]
    assert sent(direction, 15, b"to='b'>", "frame 5") == [Piece(b"to='b'>", "frame 5")]
    assert (direction.bytes_len, direction.segments, direction.retransmitted) == (22, 2, 0)


def test_the_next_segment_is_taken_without_its_bytes() -> None:
    """The short way says yes to the next whole segment, and counts it as the long way does."""
    direction = opened()
    assert direction.in_order(ISN + 1, 5)
    assert direction.in_order(ISN + 6, 2)
    assert (direction.highest, direction.bytes_len, direction.segments) == (ISN + 8, 7, 2)
    assert sent(direction, 7, b"!", 3) == [Piece(b"!", 3)]


def test_the_short_way_leaves_the_rest_to_the_long_way() -> None:
    """Nothing is taken, or counted, that is old, early, empty, or next while other segments wait."""
    direction = opened()
    assert not direction.in_order(ISN + 3, 5)
    assert not direction.in_order(ISN, 5)
    assert not direction.in_order(ISN + 1, 0)
    sent(direction, 5, b"world")
    assert not direction.in_order(ISN + 1, 5)
    assert (direction.bytes_len, direction.segments, direction.retransmitted) == (5, 1, 0)
    assert not Direction().in_order(ISN, 5), "where a direction begins is for `segment` to say"


def test_the_same_acknowledgement_again_tells_nothing() -> None:
    """Whoever remembers `acked` may pass over an acknowledgement that repeats it: a hole stays until it moves."""
    direction = opened()
    assert direction.acked == -1
    sent(direction, 0, b"hello")
    direction.acknowledged(ISN + 6)
    sent(direction, 8, b"world", 7)
    assert direction.acked == ISN + 6
    assert direction.acknowledged(ISN + 6) == []
    assert direction.acknowledged(ISN + 2) == [] and direction.acked == ISN + 6
    assert more(direction, 13, LATE_SEGMENTS - 1) == []
    assert direction.acknowledged(ISN + 14) == []
    assert more(direction, 13 + LATE_SEGMENTS - 1, 1)[:2] == [Hole(3, 7), Piece(b"world", 7)]


def test_a_swapped_pair_waits_for_the_first() -> None:
    """The later bytes become readable with the frame that fills the hole, as Wireshark says it."""
    direction = opened()
    assert sent(direction, 5, b"world", 11) == []
    assert direction.waiting_len == 5
    assert sent(direction, 0, b"hello", 12) == [Piece(b"hello", 12), Piece(b"world", 12)]
    assert direction.waiting_len == 0


def test_a_repetition_brings_nothing_and_is_counted() -> None:
    """The same segment again: no bytes, one retransmission."""
    direction = opened()
    sent(direction, 0, b"hello")
    assert not direction.repeats
    assert sent(direction, 0, b"hello") == []
    assert direction.repeats
    assert (direction.bytes_len, direction.segments, direction.retransmitted) == (5, 2, 1)


def test_a_repetition_of_what_waits_is_counted_too() -> None:
    """The segment after a hole is sent again before the hole is filled."""
    direction = opened()
    sent(direction, 5, b"world")
    assert sent(direction, 5, b"world") == []
    assert direction.repeats and direction.retransmitted == 1


def test_a_partly_new_segment_gives_its_new_part() -> None:
    """A sender may join old and new bytes in one segment: that is no repetition."""
    direction = opened()
    sent(direction, 0, b"hello")
    assert sent(direction, 3, b"lo world", 9) == [Piece(b" world", 9)]
    assert not direction.repeats and direction.retransmitted == 0


def test_a_segment_over_a_waiting_one_fills_both_sides() -> None:
    """What waits keeps its bytes; the larger segment gives only what is missing around it."""
    direction = opened()
    sent(direction, 4, b"EF", 1)
    assert sent(direction, 2, b"cdefgh", 2) == []
    assert sent(direction, 0, b"ab", 3) == [Piece(b"ab", 3), Piece(b"cd", 3), Piece(b"EF", 3), Piece(b"gh", 3)]


def test_an_acknowledged_hole_is_given_up() -> None:
    """The peer has bytes that the capture has not: reading goes on behind them."""
    direction = opened()
    sent(direction, 0, b"hello", 1)
    sent(direction, 11, b"again", 2)
    more(direction, 16, LATE_SEGMENTS)
    assert direction.acknowledged((ISN + 1 + 8) & 0xFFFF_FFFF) == [Hole(3, 2)]
    assert direction.acknowledged((ISN + 1 + 16) & 0xFFFF_FFFF)[:2] == [Hole(3, 2), Piece(b"again", 2)]
    assert sent(direction, 5, b" world") == [] and direction.repeats


def test_an_acknowledgement_may_come_before_the_data_that_it_is_of() -> None:
    """A mirror port shows both ways of a link in no fixed order: what comes a moment late is neither lost nor new."""
    direction = opened()
    sent(direction, 0, b"hello", 1)
    assert sent(direction, 11, b"again", 2) == []
    assert direction.acknowledged((ISN + 1 + 16) & 0xFFFF_FFFF) == []
    assert sent(direction, 5, b" world", 3) == [Piece(b" world", 3), Piece(b"again", 3)]
    assert direction.flush() == [] and direction.retransmitted == 0


def test_an_acknowledgement_may_come_before_its_data() -> None:
    """Nothing stands behind the missing bytes, so nothing is given up yet."""
    direction = opened()
    assert direction.acknowledged((ISN + 1 + 5) & 0xFFFF_FFFF) == []
    assert sent(direction, 0, b"hello", 7) == [Piece(b"hello", 7)]
    assert direction.acknowledged((ISN + 1) & 0xFFFF_FFFF) == []
    assert direction.unacknowledged_len == 0


def test_acknowledgements_before_any_data_are_forgotten() -> None:
    """A capture that begins in mid stream takes its start from data."""
    direction = Direction()
    assert direction.acknowledged(77) == []
    assert direction.highest == -1 and direction.unacknowledged_len == 0


def test_what_was_never_acknowledged_is_counted() -> None:
    """A black hole eats the large segment: its bytes stay unacknowledged, whether they wait or not."""
    direction = opened()
    sent(direction, 0, b"hello")
    direction.acknowledged((ISN + 1 + 5) & 0xFFFF_FFFF)
    assert direction.unacknowledged_len == 0
    sent(direction, 105, b"x" * 1400)
    assert direction.highest == (ISN + 1 + 1505) & 0xFFFF_FFFF
    assert direction.unacknowledged_len == 1500


def test_a_snap_length_leaves_holes() -> None:
    """The capture kept 4 of 10 bytes: the rest is a hole, and the next segment goes on after it."""
    direction = opened()
    assert direction.segment(ISN + 1, b"abcd", 10, 1) == [Piece(b"abcd", 1), Hole(6, 1)]
    assert sent(direction, 10, b"next", 2) == [Piece(b"next", 2)]
    assert direction.bytes_len == 14


def test_a_snap_length_that_leaves_nothing() -> None:
    """Headers only: holes and no piece."""
    direction = opened()
    assert direction.segment(ISN + 1, b"", 10, 1) == [Hole(10, 1)]


def test_padding_after_the_segment_is_not_data() -> None:
    """Ethernet pads short frames; the length in the IP header decides."""
    assert opened().segment(ISN + 1, b"ab\0\0\0\0", 2, 1) == [Piece(b"ab", 1)]


def test_an_empty_segment_is_nothing() -> None:
    """A pure acknowledgement carries no data."""
    direction = opened()
    assert direction.segment(ISN + 1, b"", 0, 1) == []
    assert direction.segments == 0


def test_a_keep_alive_probe_is_no_data() -> None:
    """One garbage byte before the next one (RFC 9293 section 3.8.4) is neither data nor retransmission."""
    direction = opened()
    sent(direction, 0, b"hello")
    assert sent(direction, 4, b"\0") == []
    assert not direction.repeats
    assert (direction.bytes_len, direction.segments, direction.retransmitted) == (5, 1, 0)


def test_a_repeated_single_byte_is_a_retransmission() -> None:
    """White space that XMPP sends to keep a stream alive is data, and its repetition says that it was lost."""
    direction = opened()
    sent(direction, 0, b"hello")
    sent(direction, 5, b" ")
    assert sent(direction, 5, b" ") == []
    assert direction.repeats and direction.retransmitted == 1


def test_mid_stream_the_first_segment_is_the_start() -> None:
    """No SYN was captured; what comes before the first segment seen counts as repeated."""
    direction = Direction()
    assert direction.segment(5000, b"</db:result>", 12, 1) == [Piece(b"</db:result>", 1)]
    assert direction.segment(4000, b"old", 3, 2) == [] and direction.repeats
    direction.syn(1)
    assert direction.segment(5012, b"<iq/>", 5, 3) == [Piece(b"<iq/>", 3)]


def test_the_end_of_the_capture_gives_what_waits() -> None:
    """A one-sided capture lost two segments: each hole is said once, the rest keeps its own tokens."""
    direction = opened()
    sent(direction, 0, b"hello", 1)
    sent(direction, 20, b"late", 5)
    sent(direction, 10, b"there", 6)
    assert direction.flush() == [Hole(5, 6), Piece(b"there", 6), Hole(5, 6), Piece(b"late", 6)]
    assert direction.flush() == []


def test_the_end_of_the_capture_tells_of_acknowledged_bytes_that_never_came() -> None:
    """A FIN takes one sequence number and is no missing byte; more than one is."""
    direction = opened()
    sent(direction, 0, b"hello", 1)
    direction.acknowledged((ISN + 1 + 6) & 0xFFFF_FFFF)
    assert direction.flush() == []
    direction.acknowledged((ISN + 1 + 15) & 0xFFFF_FFFF)
    assert [hole.missing for hole in direction.flush() if isinstance(hole, Hole)] == [10]
    assert direction.flush() == []


def test_too_many_waiting_bytes_give_the_hole_up() -> None:
    """Memory is bounded: a hole that never fills is declared and reading goes on."""
    direction = opened()
    block = b"x" * 65_000
    count = reassembly.WAITING_BYTES_MAX // len(block)
    for number in range(count):
        assert sent(direction, 1 + number * len(block), block, number) == []
    out = sent(direction, 1 + count * len(block), block, count)
    assert out[0] == Hole(1, 0)
    assert sum(len(piece.data) for piece in out if isinstance(piece, Piece)) == (count + 1) * len(block)
    assert direction.waiting_len == 0


def test_too_many_waiting_segments_give_the_hole_up() -> None:
    """A thousand tiny segments behind a hole cost as much as large ones."""
    direction = opened()
    out: list[Piece | Hole] = []
    for number in range(reassembly.WAITING_SEGMENTS_MAX + 1):
        out += sent(direction, 1 + 2 * number, b"x", number)
    assert out == [Hole(1, 0), Piece(b"x", 0)]


TEXT = bytes(range(200))
"""Two hundred different bytes, so that no misplaced one stays unseen."""


@given(
    start=st.integers(0, 0xFFFF_FFFF),
    cuts=st.sets(st.integers(1, len(TEXT) - 1), max_size=12),
    extra=st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 60)), max_size=12),
    shuffle=st.randoms(use_true_random=False),
)
def test_any_order_overlap_and_repetition_give_the_same_bytes(start, cuts, extra, shuffle) -> None:  # type: ignore[no-untyped-def]
    """The bytes come out once each, in order, without a hole, and every byte is counted once."""
    edges = [0, *sorted(cuts), len(TEXT)]
    segments = [*pairwise(edges), *((at, min(at + size, len(TEXT))) for at, size in extra)]
    shuffle.shuffle(segments)
    direction = Direction()
    direction.syn(start)
    out = []
    for number, (at, end) in enumerate(segments):
        out += direction.segment((start + 1 + at) & 0xFFFF_FFFF, TEXT[at:end], end - at, number)
    assert b"".join(piece.data for piece in out if isinstance(piece, Piece)) == TEXT
    assert not [hole for hole in out if isinstance(hole, Hole)]
    assert direction.bytes_len == len(TEXT)
    tokens = [piece.token for piece in out]
    assert tokens == sorted(tokens)


@given(
    segments=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 60), st.integers(0, 60)), max_size=20),
    acks=st.lists(st.integers(0, 250), max_size=5),
)
def test_what_comes_out_is_as_long_as_what_was_passed(segments, acks) -> None:  # type: ignore[no-untyped-def]
    """Whatever comes: pieces stand at their own place, pieces and holes together leave no byte out."""
    direction = opened()
    out: list[Piece | Hole] = []
    for at, length, held in segments:
        out += direction.segment((ISN + 1 + at) & 0xFFFF_FFFF, TEXT[at : at + min(held, length)], length, at)
        if acks:
            out += direction.acknowledged((ISN + 1 + acks.pop()) & 0xFFFF_FFFF)
    out += direction.flush()
    position = 0
    for part in out:
        if isinstance(part, Piece):
            assert part.data == TEXT[position : position + len(part.data)]
            position += len(part.data)
        else:
            assert part.missing > 0
            position += part.missing
    assert direction.highest == (ISN + 1 + position) & 0xFFFF_FFFF
    assert direction.waiting_len == 0
