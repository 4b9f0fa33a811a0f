"""Captures mangled at random: never an exception, never a hang, and every byte either read or said to be lost."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from parsers.errors import SourceUnreadable
from tests.parsers.packets import (
    OPEN,
    answer,
    enhanced,
    ether,
    interface,
    ip,
    lookup,
    made,
    pcap,
    question,
    read,
    section,
    segment,
    srv,
    syn,
    tcp,
)

ASKED = "_xmpp-server._tcp.example.org"
FRAMES = [
    lookup(question(ASKED)),
    lookup(answer(ASKED, (ASKED, 33, srv(25_269, "x.example.org")))),
    syn(1_000, 25_269),
    segment(1_000, 25_269, OPEN),
    ether(ip(tcp(1_000, 5269, OPEN), src="2001:db8::6", dst="2001:db8::7"), tags=b"\x81\0\0\5"),
    ether(ip(tcp(1_000, 5269)[:16], place=0x2000)),
    ether(ip(b"\3\1" + bytes(6) + ip(tcp(1_000, 5269))[:28], proto=1)),
] * 4
FORMS = {
    "pcap": pcap(*FRAMES),
    "pcap, other order": pcap(*FRAMES, order=">"),
    "pcapng": section() + interface() + b"".join(map(enhanced, FRAMES)),
}


@pytest.mark.parametrize("form", FORMS)
def test_bytes_changed_anywhere(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some bytes are changed, or the end is cut, in windows so small that everything straddles their borders."""
    monkeypatch.setattr("parsers.capture.container.WINDOW_LEN", 600_000)
    random_ = random.Random(form)
    for _ in range(150):
        content = bytearray(FORMS[form])
        for _ in range(random_.choice((1, 3, 30))):
            content[random_.randrange(4, len(content))] = random_.choice((0, 1, 0x7F, 0xFF, random_.randrange(256)))
        if random_.random() < 0.3:
            del content[random_.randrange(40, len(content)) :]
        try:
            read(made(tmp_path, bytes(content)))
        except SourceUnreadable:
            assert form == "pcapng"  # its first bytes were hit


def test_packed_bytes_changed_anywhere(tmp_path: Path) -> None:
    """The same inside gzip: what can be unpacked is read, and the damage is said."""
    random_ = random.Random(9)
    whole = gzip.compress(FORMS["pcap"])
    for _ in range(100):
        packed = bytearray(whole)
        packed[random_.randrange(12, len(packed))] ^= 1 << random_.randrange(8)
        try:
            _, _, lost, _ = read(made(tmp_path, bytes(packed)))
        except SourceUnreadable as refused:
            assert "capture" in str(refused)
        else:
            assert lost
