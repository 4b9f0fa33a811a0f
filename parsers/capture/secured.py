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
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from parsers.capture.conversation import Place
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
_SEGMENT = 32_768
_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 101)
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
        self._folder = Scratch()
        self._work = self._folder.path
        (self._work / "keys").write_bytes(_keys(keylog))
        self._files: list[BinaryIO] = []
        self._written: list[list[tuple[int, int, Place]]] = []
        self._next: dict[tuple[int, int], int] = {}

    def conversation(self) -> int:
        """The number of a further conversation."""
        self.conversations += 1
        return self.conversations - 1

    def take(self, conversation: int, direction: int, data: bytes, place: Place) -> None:
        """The next TLS bytes of one direction; both directions come as they were captured."""
        batch = conversation // _BATCH
        if conversation >= CONVERSATIONS_MAX:
            return
        while len(self._files) <= batch:
            file = (self._work / f"{len(self._files)}.pcap").open("wb")
            file.write(_HEADER)
            self._files.append(file)
            self._written.append([])
        key = (conversation, direction)
        at = self._next.get(key, 1)
        if at < 0:
            return
        for begin in range(0, len(data), _SEGMENT):
            part = data[begin : begin + _SEGMENT]
            acked = max(self._next.get((conversation, 1 - direction), 1), 0)
            self._files[batch].write(_record(conversation, direction, at, acked, part, place[0]))
            self._written[batch].append((conversation, direction, place))
            at = (at + len(part)) & 0xFFFF_FFFF
        self._next[key] = at

    def gap(self, conversation: int, direction: int) -> None:
        """Bytes are missing: TLS counts its records, so that nothing after them can be decrypted."""
        self._next[conversation, direction] = -1

    def opened(self) -> Iterator[Opened]:
        """What could be decrypted, each direction in order. Afterwards nothing is left of it."""
        seen: set[int] = set()
        for batch, (file, written) in enumerate(zip(self._files, self._written, strict=True)):
            file.close()
            # tshark numbers conversations by their first packet.
            streams = dict.fromkeys(conversation for conversation, _, _ in written)
            follow = [part for stream in range(len(streams)) for part in ("-z", f"follow,tls,yaml,{stream}")]
            keys = f"tls.keylog_file:{self._work / 'keys'}"
            call = Call(self._work, ("-n", "-q", "-o", keys, "-r", str(self._work / f"{batch}.pcap"), *follow))
            for packet, data in _followed(call.lines()):
                if data and packet <= len(written):
                    conversation, direction, place = written[packet - 1]
                    seen.add(conversation)
                    yield Opened(conversation, direction, data, place)
        self.decrypted = len(seen)
        self._folder.remove()


def _record(conversation: int, direction: int, seq: int, ack: int, data: bytes, at_ns: int) -> bytes:
    """A record of raw IP with one TCP segment."""
    client = bytes((10, conversation >> 16 & 255, conversation >> 8 & 255, conversation & 255)), 40_000
    ends = [client, (bytes((192, 0, 2, 1)), 443)]
    (src, sport), (dst, dport) = ends if direction == 0 else reversed(ends)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, ACK, 65_535, 0, 0)
    length = 40 + len(data)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 6, 0, src, dst)
    second, ns = divmod(at_ns, 10**9)
    return struct.pack("<IIII", second & 0xFFFF_FFFF, ns, length, length) + ip + tcp + data


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
