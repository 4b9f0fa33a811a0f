"""TLS conversations decrypted with the key log of one of their ends, by tshark.

tshark sees none of the capture. The TLS bytes of each direction, put in order and freed from what came before
STARTTLS, are written down for it as plain conversations on port 443, so that it has nothing to find out but the keys.
What it gives back is known by the packet, and thereby by the frame, that completed a TLS record.
Knows nothing of what is said inside.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple
from weakref import finalize

from parsers.capture.conversation import File, Place
from parsers.capture.packet import ACK
from parsers.capture.tshark_call import Call, program
from parsers.errors import SourceUnreadable
from parsers.scratch import Scratch

CONVERSATIONS_MAX = 4_096
"""TLS conversations of one capture that are decrypted: a server has some hundred peers."""
KEYLOG_MAX = 64 << 20
"""Bytes of a key log: some 200,000 conversations."""
_BATCH = 64
"""Conversations that tshark is given at once; each is a filter that it applies to every packet."""
BYTES_MAX = 32 << 20
"""Bytes of TLS of one conversation that are decrypted, and of all that tshark is given at once: for 32 MB it takes
350 MB of memory, and for twice as long a conversation four times the time."""
RECORDS_MAX = 1 << 15
"""TLS records of one conversation that are decrypted, and of all that tshark is given at once: for twice as many in a
conversation it takes four times the time, whatever their length."""
_SEGMENT = 32_768
_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 101)
_RECORD = struct.Struct("<IIII")
_HEADER_LEN = 5
"""Bytes before the content of a TLS record (RFC 8446 section 5.1)."""
_PLACE = struct.Struct("<IBqqI")
"""Conversation, direction, instant, frame, and which file, of a packet that was written."""
_KEY = re.compile(
    rb"^(?:CLIENT_RANDOM|RSA|(?:CLIENT|SERVER)_[A-Z_]+_SECRET(?:_0)?|EXPORTER_SECRET) [0-9a-fA-F]{16}", re.M
)
"""A line of a key log (draft-ietf-tls-keylogfile)."""


class Opened(NamedTuple):
    """What one TLS record held."""

    conversation: int
    """Number of its conversation, as `Secured.take` was told."""
    direction: int
    """0 from the side that opened the conversation, 1 from the other."""
    data: bytes
    """Plain bytes."""
    place: Place
    """Of the frame that completed the record."""


def check_keylog(path: Path) -> None:
    """Raises SourceUnreadable when this is no key log, and TsharkMissing when there is nobody to use it."""
    _keys(path)
    program()


def _keys(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            keys = file.read(KEYLOG_MAX + 1)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SourceUnreadable(str(path), reason, "check the path of the key log and your rights") from None
    if len(keys) > KEYLOG_MAX:
        raise SourceUnreadable(str(path), "a key log of more than 64 MiB", "keep the lines of the incident")
    if not _KEY.search(keys):
        raise SourceUnreadable(str(path), "this is no key log", "name what SSLKEYLOGFILE made the server write")
    return keys


class Secured:
    """The TLS conversations of a capture, kept on disk until they are decrypted."""

    def __init__(self, keylog: Path) -> None:
        """Raises SourceUnreadable when it is no key log."""
        self.conversations = 0
        """Conversations seen."""
        self.decrypted = 0
        """Of these, decrypted ones; known after `opened`."""
        self.left_out = 0
        """Bytes of TLS behind `BYTES_MAX` or `RECORDS_MAX` of their conversations."""
        self._folder = Scratch()
        self._work = self._folder.path
        (self._work / "keys").write_bytes(_keys(keylog))
        self._open = ExitStack()
        finalize(self, self._open.close)  # where reading ends early
        self._files: list[BinaryIO] = []
        self._places: list[BinaryIO] = []
        self._known: list[File] = []
        self._next: dict[tuple[int, int], int] = {}
        self._taken: Counter[int] = Counter()
        self._records: Counter[int] = Counter()
        self._within: dict[tuple[int, int], tuple[int, bytes]] = {}
        """By direction, bytes of a record that are to come, or what there is of a header."""

    def conversation(self) -> int:
        """The number of a further conversation."""
        self.conversations += 1
        return self.conversations - 1

    def take(self, conversation: int, direction: int, data: bytes, place: Place) -> None:
        """The next TLS bytes of one direction; both directions come as they were captured."""
        batch = conversation // _BATCH
        if conversation >= CONVERSATIONS_MAX:
            return
        self._taken[conversation] += len(data)
        self._records[conversation] += self._begun((conversation, direction), data)
        if self._taken[conversation] > BYTES_MAX or self._records[conversation] > RECORDS_MAX:
            self.left_out += len(data)
            return
        while len(self._files) <= batch:
            file = self._open.enter_context((self._work / f"{len(self._files)}.pcap").open("wb"))
            file.write(_HEADER)
            self._files.append(file)
            self._places.append(self._open.enter_context((self._work / f"{len(self._places)}.places").open("wb")))
        key = (conversation, direction)
        at = self._next.get(key, 1)
        if at < 0:
            return
        for begin in range(0, len(data), _SEGMENT):
            part = data[begin : begin + _SEGMENT]
            acked = max(self._next.get((conversation, 1 - direction), 1), 0)
            self._files[batch].write(_record(conversation, direction, at, acked, part, place[0]))
            self._places[batch].write(self._packed(conversation, direction, place))
            at = (at + len(part)) & 0xFFFF_FFFF
        self._next[key] = at

    def _begun(self, key: tuple[int, int], data: bytes) -> int:
        """How many records begin in the next bytes of a direction."""
        at, head = self._within.get(key, (0, b""))
        data, number = head + data, 0
        while len(data) - at >= _HEADER_LEN:
            at += _HEADER_LEN + int.from_bytes(data[at + 3 : at + 5], "big")
            number += 1
        self._within[key] = (max(at - len(data), 0), data[at:])
        return number

    def gap(self, conversation: int, direction: int) -> None:
        """Bytes are missing: TLS counts its records, so that nothing after them can be decrypted."""
        self._next[conversation, direction] = -1

    def opened(self) -> Iterator[Opened]:
        """What could be decrypted, one conversation after the other, each direction in order; nothing is left then."""
        seen: set[int] = set()
        self._open.close()
        for batch in range(len(self._files)):
            numbers = range(batch * _BATCH, min((batch + 1) * _BATCH, self.conversations, CONVERSATIONS_MAX))
            for some in self._lots(numbers):
                for opened in self._decrypted(batch, some, whole=len(some) == len(numbers)):
                    seen.add(opened.conversation)
                    yield opened
        self.decrypted = len(seen)
        self._folder.remove()

    def _lots(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Conversations of a batch that tshark may be given at once."""
        lot: list[int] = []
        for number in numbers:
            known = (*lot, number)
            long = sum(min(self._taken[n], BYTES_MAX) for n in known) > BYTES_MAX
            if lot and (long or sum(min(self._records[n], RECORDS_MAX) for n in known) > RECORDS_MAX):
                yield lot
                lot = []
            lot.append(number)
        yield lot

    def _decrypted(self, batch: int, numbers: list[int], *, whole: bool) -> Iterator[Opened]:
        """What could be decrypted of some conversations of a batch, or of the whole of it."""
        path, told = self._work / f"{batch}.pcap", self._work / f"{batch}.places"
        if not whole:
            path, told = self._copied(path, told, frozenset(numbers))
        # tshark numbers conversations by their first packet.
        follow = [part for stream in range(len(numbers)) for part in ("-z", f"follow,tls,yaml,{stream}")]
        call = Call(self._work, ("-n", "-q", "-o", f"tls.keylog_file:{self._work / 'keys'}", "-r", str(path), *follow))
        with told.open("rb") as places:
            for packet, data in _followed(call.lines()):
                places.seek((packet - 1) * _PLACE.size)
                if data and len(written := places.read(_PLACE.size)) == _PLACE.size:
                    conversation, direction, at_ns, frame, known = _PLACE.unpack(written)
                    yield Opened(conversation, direction, data, (at_ns, frame, self._known[known]))

    def _copied(self, path: Path, told: Path, numbers: frozenset[int]) -> tuple[Path, Path]:
        """The packets of some conversations, and their places."""
        some, places = self._work / "some.pcap", self._work / "some.places"
        with path.open("rb") as packets, told.open("rb") as known, some.open("wb") as out, places.open("wb") as also:
            out.write(packets.read(len(_HEADER)))
            while place := known.read(_PLACE.size):
                head = packets.read(_RECORD.size)
                packet = packets.read(_RECORD.unpack(head)[2])
                if _PLACE.unpack(place)[0] in numbers:
                    out.write(head + packet)
                    also.write(place)
        return some, places

    def _packed(self, conversation: int, direction: int, place: Place) -> bytes:
        """A packet's place for the disk: in memory, those of a gigabyte would take a quarter of it."""
        at_ns, frame, file = place
        if not self._known or self._known[-1] is not file:
            self._known.append(file)
        return _PLACE.pack(conversation, direction, at_ns, frame, len(self._known) - 1)


def _record(conversation: int, direction: int, seq: int, ack: int, data: bytes, at_ns: int) -> bytes:
    """A record of raw IP with one TCP segment."""
    client = bytes((10, conversation >> 16 & 255, conversation >> 8 & 255, conversation & 255)), 40_000
    ends = [client, (bytes((192, 0, 2, 1)), 443)]
    (src, sport), (dst, dport) = ends if direction == 0 else reversed(ends)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, ACK, 65_535, 0, 0)
    length = 40 + len(data)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 6, 0, src, dst)
    second, ns = divmod(at_ns, 10**9)
    return _RECORD.pack(second & 0xFFFF_FFFF, ns, length, length) + ip + tcp + data


def _followed(lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Packet number and plain bytes of each item that tshark's `follow` gives as YAML."""
    packet, text, inside = 0, b"", False
    for line in lines:
        if inside and line.startswith(b"      "):
            text += line.strip()
            continue
        if inside:
            yield packet, b64decode(text)
            text, inside = b"", False
        if line.startswith(b"  - packet: "):
            packet = int(line[12:])
        inside = line.startswith(b"    data: !!binary")
    if inside:
        yield packet, b64decode(text)
