"""Which DNS messages matter: those about `_xmpp` services, and about the names that these lead to.

A domain's own addresses matter because a server falls back to them, a target's because a server connects there.
This is a look at question names and SRV targets, not a decoder: what a message means is for `parsers.wire.dns`.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from parsers.names import SERVER_SERVICE, SERVICE, fitting

_SERVICE = re.compile(SERVICE.encode())
_SERVER_SERVICE = re.compile(SERVER_SERVICE.encode())
"""Of these the ports are worth reading."""
_QUESTION_AT = 12
"""Bytes of a DNS header (RFC 1035 section 4.1.1)."""
_COUNTS_AT = 4
"""Where in it stands …"""
_COUNTS = struct.Struct("!4H")
"""… how many questions there are, and how many records in each of three sections."""
_RECORD = struct.Struct("!H6xH")
"""Type and length of a record, behind its owner (RFC 1035 section 3.2.1)."""
_TO_QUESTION = (0xC000 | _QUESTION_AT).to_bytes(2, "big")
"""An owner that is the question's name, compressed (RFC 1035 section 4.1.4): most are."""
_LABEL_MAX = 63
"""Octets of a label (RFC 1035 section 2.3.4)."""
_NAME_MAX = 255
"""Octets of a name (RFC 1035 section 2.3.4)."""
_JUMPS_MAX = 32
"""Compression pointers followed in one name: a loop ends here."""
_RECORDS_MAX = 256
"""Records looked at in one message."""
_WANTED_MAX = 65_536
"""Names followed. A capture that asks for the services of more domains than this is not an incident but a census."""
_READ_BEFORE_MAX = 8_192
"""Messages remembered so as not to read them again; caches ask the same thing all day."""
_REMEMBERED_MAX = 1_500
"""Bytes of a message that is remembered: 12 MiB for all of them."""
_ROUNDS_MAX = 8
"""How often one block of messages is gone through again for names learnt in it: a chain of aliases is shorter."""
_A, _CNAME, _AAAA, _SRV = 1, 5, 28, 33
"""Record types (RFC 1035 section 3.2.2, RFC 3596, RFC 2782)."""
_SYSTEM_PORTS = 1_024
"""Below this a port is another service's on most hosts (RFC 6335 section 6): of 443 only the target's is read."""


class Names:
    """The names that matter so far, as they stand in messages: length-prefixed labels, lower case."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """`patterns` are shell patterns of further names; `*` for all."""
        self.ports: set[int] = set()
        """Ports that SRV answers of server services named, but for system ports."""
        self.servers: set[tuple[bytes, int]] = set()
        """Address and port of targets that have a system port."""
        self._system_ports: dict[bytes, set[int]] = {}
        self._wanted: set[bytes] = set()
        self._every = "*" in patterns
        self._patterns = fitting(patterns)
        self._learnt: set[bytes] = set()
        self._read_before: set[tuple[int, bytes]] = set()

    def choose(self, messages: Sequence[bytes]) -> tuple[list[int], list[bytes]]:
        """Indices of the messages that matter, in order; and the question name of every message."""
        if not messages:
            return [], []
        begins = [0, *accumulate(map(len, messages))]
        text = b"".join(messages).lower()
        questions = [
            text[at : text.find(b"\0", at, at + _NAME_MAX) + 1]
            for at in accumulate(map(len, messages[:-1]), initial=_QUESTION_AT)
        ]
        found = {bisect_right(begins, match.start()) - 1 for match in _SERVICE.finditer(text)}
        if self._patterns:
            asked_for = {name for name in set(questions) if self._fits(name)}
            found.update(index for index, name in enumerate(questions) if name in asked_for)
        fresh = found
        for _ in range(_ROUNDS_MAX):
            known = len(self._wanted)
            for index in fresh:
                self.learn(messages[index])
            fresh = {index for index, name in enumerate(questions) if name in self._wanted} - found
            found |= fresh
            if not fresh and len(self._wanted) == known:
                break
        return list(range(len(messages))) if self._every else sorted(found), questions

    def wanted(self, questions: list[bytes]) -> list[int]:
        """Indices of the question names that matter by what is known now."""
        return [index for index, name in enumerate(questions) if name in self._wanted]

    def take_news(self) -> bool:
        """Whether names were learnt since this was last asked."""
        news, self._learnt = bool(self._learnt), set()
        return news

    def _fits(self, name: bytes) -> bool:
        text = ".".join(label.decode("latin-1") for label in _labels(name))
        return any(pattern.match(text) for pattern in self._patterns)

    def _want(self, name: bytes) -> None:
        if len(name) > 1 and name not in self._wanted and len(self._wanted) < _WANTED_MAX:
            self._wanted.add(name)
            self._learnt.add(name)

    def _serve(self, target: bytes, port: int) -> None:
        if port >= _SYSTEM_PORTS:
            self.ports.add(port)
        elif target in self._wanted:
            self._system_ports.setdefault(target, set()).add(port)

    def learn(self, message: bytes) -> None:
        """What a message that matters leads to: the domain asked about, targets, aliases, ports."""
        # The same question under another id, and nothing new to ask of it.
        again = (len(self._system_ports), message[2 : 2 + _REMEMBERED_MAX])
        if len(message) <= _REMEMBERED_MAX:
            if again in self._read_before:
                return
            if len(self._read_before) >= _READ_BEFORE_MAX:
                self._read_before.clear()
            self._read_before.add(again)
        try:
            self._read(message)
        except (IndexError, struct.error):  # cut, or no DNS at all: what was learnt before that stands
            return

    def _read(self, message: bytes) -> None:
        questions, *records = _COUNTS.unpack_from(message, _COUNTS_AT)
        question, at = _name(message, _QUESTION_AT)
        if _SERVICE.match(question, 1):
            below = 0
            while question.startswith(b"_", below + 1):
                below += 1 + question[below]
            self._want(question[below:])
        if not message[2] & 0x80 or not questions:
            return
        at += 4
        for _ in range(min(sum(records), _RECORDS_MAX)):
            if message.startswith(_TO_QUESTION, at):
                owner, at = question, at + len(_TO_QUESTION)
            else:
                owner, at = _name(message, at)
            kind, length = _RECORD.unpack_from(message, at)
            at += _RECORD.size
            if kind == _SRV and _SERVICE.search(owner) and length >= 7:
                target = _name(message, at + 6)[0]
                self._want(target)
                if _SERVER_SERVICE.search(owner):
                    self._serve(target, message[at + 4] << 8 | message[at + 5])
            elif (kind, length) in ((_A, 4), (_AAAA, 16)) and len(self.servers) < _WANTED_MAX:
                address = message[at : at + length]
                self.servers.update((address, port) for port in self._system_ports.get(owner, ()))
            elif kind == _CNAME:
                self._want(_name(message, at)[0])
            at += length


def _labels(name: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(name) and (length := name[at]):
        yield name[at + 1 : at + 1 + length]
        at += 1 + length


def _name(message: bytes, at: int) -> tuple[bytes, int]:
    """The name at `at`, uncompressed and in lower case, and where the bytes after it begin.

    Raises IndexError for one that is cut, too long, or in a loop.
    """
    parts: list[bytes] = []
    after = -1
    jumps = total = 0
    while length := message[at]:
        if length > _LABEL_MAX:
            if length < 0xC0:
                raise IndexError("neither label nor pointer")
            after = at + 2 if after < 0 else after
            at = (length & 0x3F) << 8 | message[at + 1]
            jumps += 1
            if jumps > _JUMPS_MAX:
                raise IndexError("compression loop")
            continue
        parts.append(message[at : at + 1 + length])
        at += 1 + length
        total += 1 + length
        if total > _NAME_MAX:
            raise IndexError("name too long")
    return b"".join(parts).lower() + b"\0", at + 1 if after < 0 else after
