"""A reader that reads on inside TLS, where the key log of one of the ends tells how.

What is inside is told as what is outside: a stream header, dialback and stanzas at the frames that brought them, on the
same flow, beside what can be seen of TLS itself. Knows nothing of keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from parsers.capture.conversation import Conversation, Side
from parsers.capture.frames import Reader
from parsers.capture.packet import Lost
from parsers.capture.runs import Run
from parsers.capture.secured import BYTES_MAX, CONVERSATIONS_MAX, Opened, Secured
from parsers.events import Event, Tally
from parsers.hold import Hold
from parsers.wire.payload import Payload
from parsers.wire.reassembly import Hole, Piece

NOT_OPENED = f"TLS behind the first {BYTES_MAX >> 20} MiB of its conversation is not opened"
"""What the damage is called."""


class DecryptingReader(Reader):
    """Packets of one source, or of the files of one ring buffer, to events, with what TLS hides."""

    gather_bytes = 1  # both directions in the order of the capture, for one tells how to decrypt the other
    keep_tls = True

    def __init__(self, keylog: Path, hold: Hold | None = None) -> None:
        """Raises SourceUnreadable when that is no key log."""
        super().__init__(hold)
        self._secured = Secured(keylog)
        self._begun: list[Conversation] = []
        self._tallies: dict[tuple[int, int], Tally] = {}
        self._stanzas: dict[tuple[int, int], int] = {}
        self._opening: Conversation | None = None

    def _decode(self, conversation: Conversation, side: Side) -> None:
        place = side.place(side.end - 1) if side.gathered else None
        super()._decode(conversation, side)
        kept = side.payload.tls_bytes if side.payload is not None else None
        if not kept or place is None:
            return
        if conversation.secured is None:
            conversation.secured = self._secured.conversation()
            if conversation.secured < CONVERSATIONS_MAX:
                first, second = (Side(side.flow) for side in conversation.sides)
                self._begun.append(Conversation(first, second, conversation.began_ns))
        direction = conversation.sides.index(side)
        self._secured.take(conversation.secured, direction, b"".join(kept), place)
        kept.clear()

    def _goes_on(self, conversation: Conversation, side: Side, other: Side, run: Run) -> bool:
        return False

    def _take(self, conversation: Conversation, side: Side, item: Piece | Hole) -> None:
        super()._take(conversation, side, item)
        if type(item) is Hole and conversation.secured is not None:
            self._secured.gap(conversation.secured, conversation.sides.index(side))

    def _tally(self, conversation: Conversation, side: Side, other: Side) -> Tally:
        tally = super()._tally(conversation, side, other)
        if conversation.secured is not None:
            self._tallies[conversation.secured, conversation.sides.index(side)] = tally
        return tally

    def _began_ns(self, event: Event) -> int:
        return super()._began_ns(event) if self._opening is None else self._opening.began_ns

    def close(self) -> list[Event]:
        """The input ends: everything that still waits, what could be decrypted, and all events in order of time."""
        for conversation in self._conversations():
            self._finish(conversation)
        for number, opened in groupby(self._secured.opened(), lambda each: each.conversation):
            self._open(number, opened)
        stanzas = {id(self._tallies[key]): count for key, count in self._stanzas.items() if key in self._tallies}
        for index, event in enumerate(self.events):
            if isinstance(event, Tally) and (more := stanzas.get(id(event))):
                self.events[index] = replace(event, stanzas=event.stanzas + more)
        self.file.reading.assumed.append(self._fits())
        if self._secured.left_out:
            self._lost(Lost(NOT_OPENED, self._secured.left_out, "bytes", None, None))
        return super().close()

    def _open(self, number: int, opened: Iterable[Opened]) -> None:
        """What was said inside one conversation; no more of it is held than its events."""
        self._opening = conversation = self._begun[number]
        for each in opened:
            side = conversation.sides[each.direction]
            side.payload = side.payload or Payload()
            side.gather(each.data, each.place)
            side.last = each.place
            super()._decode(conversation, side)
        for direction, side in enumerate(conversation.sides):
            if side.payload is None or side.last is None:
                continue
            side.payload.close()
            for what, lost in side.payload.unread:
                self._unread(f"inside TLS, {what}", lost, "bytes", side.last, side.flow)
            self._stanzas[number, direction] = side.payload.stanzas
            side.payload = None
        self._look()
        self._opening = None

    def _fits(self) -> str:
        """How far the key log helped."""
        count, decrypted = self._secured.conversations, self._secured.decrypted
        if not count:
            return "it holds no TLS that a key log could open"
        if not decrypted:
            return f"the key log fits none of its {count} TLS conversations"
        more = f", of which {CONVERSATIONS_MAX} were tried" if count > CONVERSATIONS_MAX else ""
        return f"the key log opens {decrypted} of its {count} TLS conversations{more}"
