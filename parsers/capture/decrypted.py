"""A reader that reads on inside TLS, where the key log of one of the ends tells how.

What is inside is told as what is outside: a stream header, dialback and stanzas at the frames that brought them, on the
same flow, beside what can be seen of TLS itself. Knows nothing of keys.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parsers.capture.conversation import Conversation, Side
from parsers.capture.frames import Reader
from parsers.capture.runs import Run
from parsers.capture.secured import CONVERSATIONS_MAX, Secured
from parsers.events import Event, Tally
from parsers.hold import Hold
from parsers.wire.payload import Payload
from parsers.wire.reassembly import Hole, Piece


class DecryptingReader(Reader):
    """Packets of one source, or of the files of one ring buffer, to events, with what TLS hides."""

    gather_bytes = 1  # both directions in the order of the capture, for one tells how to decrypt the other
    keep_tls = True

    def __init__(self, keylog: Path, hold: Hold | None = None) -> None:
        """Raises SourceUnreadable when that is no key log."""
        super().__init__(hold)
        self._secured = Secured(keylog)
        self._flows: dict[tuple[int, int], Side] = {}
        self._tallies: dict[tuple[int, int], int] = {}

    def _decode(self, conversation: Conversation, side: Side) -> None:
        place = side.place(side.end - 1) if side.gathered else None
        super()._decode(conversation, side)
        kept = side.payload.tls_bytes if side.payload is not None else None
        if not kept or place is None:
            return
        if conversation.secured is None:
            conversation.secured = self._secured.conversation()
        direction = conversation.sides.index(side)
        self._secured.take(conversation.secured, direction, b"".join(kept), place)
        kept.clear()
        if (conversation.secured, direction) not in self._flows:
            inside = Side(side.flow)
            inside.payload = Payload()
            self._flows[conversation.secured, direction] = inside

    def _goes_on(self, conversation: Conversation, side: Side, other: Side, run: Run) -> bool:
        return False

    def _take(self, conversation: Conversation, side: Side, item: Piece | Hole) -> None:
        super()._take(conversation, side, item)
        if type(item) is Hole and conversation.secured is not None:
            self._secured.gap(conversation.secured, conversation.sides.index(side))

    def _finish(self, conversation: Conversation) -> None:
        begin = len(self.events)
        super()._finish(conversation)
        if conversation.secured is None:
            return
        for index, event in enumerate(self.events[begin:], begin):
            if isinstance(event, Tally):
                direction = 0 if event.flow == conversation.sides[0].flow else 1
                self._tallies[conversation.secured, direction] = index

    def close(self) -> list[Event]:
        """The input ends: everything that still waits, what could be decrypted, and all events in order of time."""
        for conversation in self._conversations():
            self._finish(conversation)
        for opened in self._secured.opened():
            side = self._flows[opened.conversation, opened.direction]
            side.gather(opened.data, opened.place)
            side.last = opened.place
            # Which conversation it is in matters only where it is not known how its bytes begin.
            super()._decode(Conversation(side, side, opened.place[0]), side)
        for key, side in self._flows.items():
            assert side.payload is not None
            side.payload.close()
            if side.last is not None:
                for what, lost in side.payload.unread:
                    self._unread(f"inside TLS, {what}", lost, "bytes", side.last, side.flow)
            if key in self._tallies and side.payload.stanzas:
                tally = self.events[self._tallies[key]]
                assert isinstance(tally, Tally)
                self.events[self._tallies[key]] = replace(tally, stanzas=tally.stanzas + side.payload.stanzas)
        self.file.reading.assumed.append(self._fits())
        return super().close()

    def _fits(self) -> str:
        """How far the key log helped."""
        count, decrypted = self._secured.conversations, self._secured.decrypted
        if not count:
            return "it holds no TLS that a key log could open"
        if not decrypted:
            return f"the key log fits none of its {count} TLS conversations"
        more = f", of which {CONVERSATIONS_MAX} were tried" if count > CONVERSATIONS_MAX else ""
        return f"the key log opens {decrypted} of its {count} TLS conversations{more}"
