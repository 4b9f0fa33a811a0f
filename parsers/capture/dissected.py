"""The second engine: tshark dissects a capture, and what it made of each frame becomes a plain IP packet.

tshark knows file formats, link layers and encapsulations by the hundred.
From its fields every TCP, UDP and ICMP packet is written again, without what was around it, into a capture of raw IP
that `select` reads as any other: which packets matter, and what they say, is decided in one place for both engines.
Numbers and instants are those of the frames that tshark saw.
It is asked for fields and not through pyshark, which takes four times as long and has been seen to lose packets.
Knows no payload.
"""

from __future__ import annotations

import socket
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfileobj
from typing import NamedTuple

from parsers.capture.container import is_capture, windows
from parsers.capture.packet import TCP, UDP, IcmpError, Lost, Packet
from parsers.capture.select import packets
from parsers.capture.tshark_call import Call, program, said, version, workplace
from parsers.errors import SourceUnreadable
from parsers.format import HEAD_BYTES
from parsers.source import How, Reading

_FIELDS = (
    *("frame.number", "frame.time_epoch", "frame.protocols"),
    *("ip.src", "ip.dst", "ip.ttl", "ip.proto", "ip.flags.mf", "ip.frag_offset"),
    *("ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.nxt"),
    *("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.checksum", "tcp.len"),
    *("tcp.payload", "udp.srcport", "udp.dstport", "udp.length", "udp.payload"),
    *("icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code"),
)
"""What tshark is asked for of each frame; a field that occurs several times gives several values."""
_PREFERENCES = ("tcp.desegment_tcp_streams:FALSE", "tls.desegment_ssl_records:FALSE")
"""Nothing above TCP is wanted of it, so it need not put anything together there."""
_OPAQUE = frozenset({"wlan", "esp", "macsec", "ipcomp", "gre", "mpls", "vxlan", "geneve", "ppp", "user_dlt"})
"""Protocols that may hold IP; where one of them ends the list of a frame's protocols, tshark could not go on."""
_ABOVE = frozenset({"tcp", "udp", "icmp", "icmpv6"})
"""A frame in which one of these was found is read."""
_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_RAW_IP = 101
_SECOND_NS = 10**9
_LATEST_NS = 9_223_372_035 * _SECOND_NS
"""The last whole second that 64 bits of nanoseconds hold, as `clocks` has it."""
_IP_MAX = 65_535
_CUT = b"\x45"
"""What is written in place of an IP header that is not all there."""
_SHORT = "tshark did not give all frames"
_PLAIN_MAX = 8 << 30
"""Bytes of the capture that is written: tens of millions of packets, hours of work for tshark."""

Found = Packet | IcmpError | Lost


def dissected(path: Path, how: How, reading: Reading) -> Iterator[Found]:
    """The frames that matter, as `select.packets` gives them, by way of tshark. Fills `reading`.

    Raises TsharkMissing; SourceUnreadable when tshark cannot read the file.
    """
    program()
    with workplace() as folder:
        if str(path) == "-":
            path = folder / "stdin"
            with path.open("wb") as file:
                copyfileobj(sys.stdin.buffer, file)
        yield from _our_look(path, how, reading)
        plain = _Plain(folder / "plain.pcap", reading)
        yield from plain.fill(path, folder)
        # What there is to know of the file is known by now; the capture of raw IP is none of the user's.
        for found in packets(plain.path, replace(how, offset_ns=0), Reading()):
            if found.frame is None:
                yield found
            else:
                index = found.frame - 1
                at_ns = plain.at_ns[index] + how.offset_ns
                yield found._replace(frame=plain.numbers[index], at_ns=at_ns)


def dissected_whole(path: Path, how: How, reading: Reading) -> Iterator[Found]:
    """The same, but SourceUnreadable is raised where tshark does not give every frame."""
    for found in dissected(path, how, reading):
        if isinstance(found, Lost) and found.what.startswith(_SHORT):
            raise SourceUnreadable(str(path), found.what)
        yield found


def _our_look(path: Path, how: How, reading: Reading) -> Iterator[Lost]:
    """What the records alone tell, where the file is pcap or pcapng: how many, their clock, and what is damaged."""
    try:
        with path.open("rb") as file:
            known = is_capture(file.read(HEAD_BYTES))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SourceUnreadable(str(path), reason, "check the path and your rights") from None
    if known:
        yield from (part for part in windows(path, reading, how.offset_ns) if isinstance(part, Lost))


class _Plain:
    """A capture of raw IP, and which frame each of its packets was in."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self.path = path
        self.numbers = array("q")
        self.at_ns = array("q")
        self._reading = reading

    def fill(self, path: Path, folder: Path) -> Iterator[Lost]:
        """Let tshark dissect a capture, and write down what it finds; gives what was lost on the way."""
        asked = [part for name in _FIELDS for part in ("-e", name)]
        preferences = [part for preference in _PREFERENCES for part in ("-o", preference)]
        call = Call(folder, ("-n", "-r", said(path), *preferences, "-T", "fields", *asked))
        ours = self._reading.frames
        count, at_ns, size = 0, 0, 0
        with self.path.open("wb") as out:
            out.write(_HEADER.pack(0xA1B23C4D, 2, 4, 0, 0, 1 << 18, _RAW_IP))
            for line in call.lines():
                frame = _Frame(line)
                if not frame.whole:
                    continue
                count, at_ns = count + 1, frame.at_ns
                if ours is None:
                    self._note(at_ns)
                if reason := frame.unread():
                    self._reading.unknown[reason] = self._reading.unknown.get(reason, 0) + 1
                for packet, length in frame.packets():
                    second, ns = divmod(at_ns, _SECOND_NS)
                    out.write(_RECORD.pack(second & 0xFFFF_FFFF, ns, len(packet), length) + packet)
                    self.numbers.append(frame.number)
                    self.at_ns.append(at_ns)
                    size += len(packet)
                if size > _PLAIN_MAX:
                    yield Lost("what follows is more than tshark is asked to dissect", 1, "frames", count, at_ns)
                    return
        if ours is None:
            if not count:
                raise SourceUnreadable(str(path), f"tshark cannot read it: {call.complaint or 'no frame in it'}")
            self._reading.frames = count
            self._reading.assumed.append(f"read by tshark {version()}, which knows its format")
            if call.complaint:
                yield Lost(f"tshark ended early: {call.complaint}", 1, "frames", count, at_ns)
        elif count < ours:
            if not count:
                raise SourceUnreadable(str(path), f"tshark cannot read it: {call.complaint}", "use --engine own")
            why = f": {call.complaint}" if call.complaint else ""
            yield Lost(f"{_SHORT}{why}", ours - count, "frames", count or None, at_ns or None)

    def _note(self, at_ns: int) -> None:
        """The clock of a file that only tshark can read."""
        reading = self._reading
        reading.first_ns = at_ns if reading.first_ns is None else min(reading.first_ns, at_ns)
        reading.last_ns = at_ns if reading.last_ns is None else max(reading.last_ns, at_ns)
        if at_ns % 1_000:
            reading.resolution_ns = 1


class _Network(NamedTuple):
    """An IP header."""

    src: bytes
    dst: bytes
    ttl: int

    def packet(self, proto: int, body: bytes, length: int) -> tuple[bytes, int]:
        """A packet of raw IP around `body`, and its length on the wire where `body` is `length` bytes long there."""
        if len(self.src) == 16:
            said = length if length <= _IP_MAX else 0
            return struct.pack(">IHBB", 6 << 28, said, proto, self.ttl) + self.src + self.dst + body, 40 + length
        # A length of 0 says what offload engines say of packets that are longer than the field can tell.
        said = 20 + length if length <= _IP_MAX - 20 else 0
        head = struct.pack(">BBHHHBBH", 0x45, 0, said, 0, 0, self.ttl, proto, 0)
        return head + self.src + self.dst + body, 20 + length


class _Frame:
    """What tshark told of one frame."""

    def __init__(self, line: bytes) -> None:
        told = line.decode("ascii", "replace").split("\t")
        self.whole = len(told) == len(_FIELDS) and told[0].isdigit()
        """The line is one, and not the rest of a line that was too long."""
        if not self.whole:
            return
        self._values = {name: text.split(",") if text else [] for name, text in zip(_FIELDS, told, strict=True)}
        self.number = int(told[0])
        seconds, _, fraction = told[1].partition(".")
        ns = int(fraction.ljust(9, "0")[:9] or 0)
        at_ns = int(seconds or 0) * _SECOND_NS + (-ns if seconds.startswith("-") else ns)
        self.at_ns = max(-_LATEST_NS, min(at_ns, _LATEST_NS))
        self._protocols = told[2].split(":")
        self._taken: Counter[str] = Counter()

    def unread(self) -> str:
        """In which protocol tshark could not go on; "" where it got as far as there is need."""
        last, *before = reversed(self._protocols)
        if last == "data":
            last = before[0] if before else "user_dlt"
        return f"{last} that tshark does not decode" if last in _OPAQUE else ""

    def packets(self) -> Iterator[tuple[bytes, int]]:
        """Its TCP, UDP and ICMP packets as raw IP, each with its length on the wire."""
        network: _Network | None = None
        error: tuple[_Network, int, bytes] | None = None
        for name in self._protocols:
            if name in ("ip", "ipv6"):
                network = self._network(name)
                if network is None and error is None:
                    yield _CUT, 40
            elif network is None:
                continue
            elif name in ("icmp", "icmpv6"):
                kind, code = self._next(f"{name}.type"), self._next(f"{name}.code")
                if kind and code:
                    error = network, 1 if name == "icmp" else 58, bytes((int(kind), int(code)))
            elif name in ("tcp", "udp"):
                proto = TCP if name == "tcp" else UDP
                body, length = self._segment() if name == "tcp" else self._datagram()
                if error is None:
                    yield network.packet(proto, body, length)
                elif len(body) >= 4:
                    quoted, _ = network.packet(proto, body[:8], length)
                    around, icmp, words = error
                    message = words + bytes(6) + quoted
                    yield around.packet(icmp, message, len(message))
                    return
        if network and error is None and not self._fragment() and not _ABOVE.intersection(self._protocols):
            protocols = self._values["ipv6.nxt" if len(network.src) == 16 else "ip.proto"]
            if protocols and int(protocols[-1]) in (TCP, UDP):
                yield network.packet(int(protocols[-1]), b"", 20)

    def _fragment(self) -> bool:
        """It is part of a datagram that is not whole yet."""
        apart = {*self._values["ip.frag_offset"][-1:], *self._values["ip.flags.mf"][-1:]} - {"0", "False"}
        return bool(apart) or "ipv6.fraghdr" in self._protocols

    def _next(self, name: str) -> str:
        """The next value of a field; "" when there is none."""
        index = self._taken[name]
        self._taken[name] += 1
        values = self._values[name]
        return values[index] if index < len(values) else ""

    def _network(self, name: str) -> _Network | None:
        src, dst = self._next(f"{name}.src"), self._next(f"{name}.dst")
        ttl = self._next("ip.ttl" if name == "ip" else "ipv6.hlim")
        family = socket.AF_INET if name == "ip" else socket.AF_INET6
        try:
            return _Network(socket.inet_pton(family, src), socket.inet_pton(family, dst), int(ttl) & 255)
        except (OSError, ValueError):
            return None  # the header is cut

    def _segment(self) -> tuple[bytes, int]:
        """A TCP segment without options, as far as it was captured, and its length on the wire."""
        head = _packed(
            (2, self._next("tcp.srcport")),
            (2, self._next("tcp.dstport")),
            (4, self._next("tcp.seq_raw")),
            (4, self._next("tcp.ack_raw")),
        )
        flags, after, length = (self._next(f"tcp.{name}") for name in ("flags", "checksum", "len"))
        if len(head) < 12 or not flags or not after:
            return head, 20
        head += bytes((0x50, int(flags, 16) & 255)) + bytes(6)
        size = int(length or 0)
        payload = _bytes(self._next("tcp.payload")) if size else b""
        return head + payload[:size], 20 + size

    def _datagram(self) -> tuple[bytes, int]:
        """A UDP datagram as far as it was captured, and its length on the wire."""
        length = self._next("udp.length")
        head = _packed((2, self._next("udp.srcport")), (2, self._next("udp.dstport")), (2, length))
        if len(head) < 6:
            return head, 8
        payload = _bytes(self._next("udp.payload")) if int(length) != 8 else b""
        size = int(length) if int(length) >= 8 else 8 + len(payload)
        return head + bytes(2) + payload[: size - 8], size


def _packed(*fields: tuple[int, str]) -> bytes:
    """Numbers in so many bytes each, up to the first that is missing."""
    out = b""
    for size, text in fields:
        if not text:
            break
        out += int(text).to_bytes(size, "big")
    return out


def _bytes(text: str) -> bytes:
    """Bytes of a field, which older versions write with colons."""
    return bytes.fromhex(text.replace(":", ""))
