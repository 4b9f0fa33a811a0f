"""How much the conversations under way in a capture may hold all together, and which of them give way.

The end of an element, a record, a message or a hole may never come, and that in thousands of conversations at once.
Knows neither packets nor events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from parsers.capture.conversation import Conversation, Side

GATHER_BYTES = 32768
"""Bytes of one direction that are gathered before they are decoded: with 8 KiB reading takes 3 % longer."""
GATHER_MIN = 4096
"""The same where very many are under way."""
GATHERED_MAX = 32 << 20
"""Bytes gathered in all directions."""
HELD_MAX = 128 << 20
"""Bytes of memory that wait in all directions or that their decoders keep, beside what each direction takes."""
UNFINISHED = "more waits for its end than is held at once; what was there of it"
"""What the damage is called where conversations gave way."""


def gathered(directions: int, most: int) -> int:
    """How many bytes of each direction are gathered, where so many are under way; not more than `most`."""
    return min(most, max(GATHER_MIN, GATHERED_MAX // max(directions, 1)))


class Room:
    """Of one capture."""

    def __init__(self) -> None:
        """Nothing held yet."""
        self.let_go = 0
        """Bytes that cannot be told any more, since what they were part of was left."""
        self._grown = 0

    def is_short(self, held_len: int) -> bool:
        """So many bytes more are held, or fewer: whether it is time to `make` room."""
        self._grown += max(held_len, 0)
        return self._grown > HELD_MAX // 2

    def make(
        self,
        sides: Sequence[tuple[Conversation, Side]],
        decode: Callable[[Conversation, Side], None],
        settle: Callable[[Conversation, Side], None],
    ) -> None:
        """See that what is held takes half of the room at most.

        What only waits to be decoded is, with `decode`. Then directions that are in the middle of nothing begin anew
        with what comes next; and those that hold most wait no longer for what is missing, with `settle`, and leave what
        they are in the middle of.
        """
        self._grown = -(1 << 62)  # what is decoded now is seen here
        for step in (decode, settle):
            held = sum(side.held_len for _, side in sides)
            if held <= HELD_MAX // 2:
                break
            for conversation, side in sorted(sides, key=lambda each: (each[1].is_within, -each[1].held_len)):
                before = side.held_len
                step(conversation, side)
                # A name of one letter takes forty times as much once it is decoded.
                if step is settle or held - before + side.held_len > HELD_MAX:
                    self.let_go += side.let_go()
                held -= before - side.held_len
                if held <= HELD_MAX // 2:
                    break
        self._grown = 0
