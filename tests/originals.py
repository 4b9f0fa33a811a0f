"""What no redacted output may hold: every name, address and JID of a case, as text and as bytes of a packet."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from parsers.capture.excerpt import frames
from parsers.case import read_case
from parsers.source import How
from parsers.standins import KEPT_ADDRESSES, KEPT_ZONES, own_words

LABEL_MIN = 4
"""Characters of a label that is looked for by itself: shorter ones come by chance."""
FRAMES_MAX = 100_000
"""Frames of one capture that are looked at."""
JID = re.compile(r"[\w.-]+@[\w-]+(?:\.[\w-]+)+")
FOUR = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")


def strings(thing: Any) -> Iterator[tuple[str, str]]:
    """Every text in an event with the name of its field."""
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if dataclasses.is_dataclass(part):
                yield from strings(part)
            elif isinstance(part, str):
                yield f"{type(thing).__name__}.{field.name}", part


def originals(path: Path) -> set[str]:
    """Names, addresses and JIDs of all events, and the names and paths of all inputs."""
    case = read_case([str(path)], How(everything=True))
    found: set[str] = {str(source.path) for source in case.sources}
    found |= {source.name for source in case.sources if "." in source.name}
    for event in case.river():
        for field, text in strings(event):
            name = field.partition(".")[2]
            if name.endswith(("_ip", "_domain")) or name in ("sni", "names", "data"):
                found.add(text)
            if field in ("DnsQuery.name", "DnsAnswer.name", "DnsRecord.name"):
                found.add(text)
            found |= {*JID.findall(text), *FOUR.findall(text)}
    zones = {".".join(zone) for zone in KEPT_ZONES}
    return {o for o in found if "." in o or ":" in o} - {
        o for o in found if o in KEPT_ADDRESSES or o in (".", "..") or re.sub(r"^_[\w-]+\._tcp\.", "", o) in zones
    }


def bytes_of(known: Iterable[str]) -> set[bytes]:
    """Originals as they may stand in a file of packets: as text in three encodings and in hex, in lower case; names
    also label by label, and in the form of DNS messages; addresses also packed.
    """
    found: set[bytes] = set()
    words = own_words("parsers", "analyzer") | {label for zone in KEPT_ZONES for label in zone}
    for text in known:
        try:
            packed = ip_address(text).packed
            found |= {packed, packed[::-1]}
            plain = {text, packed.hex()}
        except ValueError:
            name = re.sub(r".*[@/]", "", text).lower()
            plain = {text.lower(), *(x for x in name.split(".") if len(x) >= LABEL_MIN and x not in words)}
            labels = [label.encode() for label in name.split(".") if 0 < len(label) < 64]
            if tuple(name.split(".")) not in KEPT_ZONES:
                found.add(b"".join(bytes([len(label)]) + label for label in labels))
        for one in plain:
            found |= {one.encode(), one.encode("utf-16-le"), one.encode("utf-16-be"), one.encode().hex().encode()}
    return found


def hardware_addresses(path: Path) -> set[bytes]:
    """Those of the Ethernet frames of all captures."""
    found: set[bytes] = set()
    for capture in path.rglob("*.pcap") if path.is_dir() else [path]:
        for frame in frames(capture, range(1, FRAMES_MAX), ()):
            if frame.interface.link == 1:
                found |= {frame.data[:6], frame.data[6:12]}
    return found - {bytes(6), b"\xff" * 6}


def leaks(content: bytes, known: Iterable[bytes]) -> list[bytes]:
    """Which of these a file holds, in upper or lower case."""
    low = content.lower()
    return sorted(form for form in known if form.lower() in low)
