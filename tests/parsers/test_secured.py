"""TLS conversations on their way to tshark and back, many at a time."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from parsers.capture import secured
from parsers.capture.conversation import File, Place
from parsers.capture.secured import Opened, Secured, check_keylog
from parsers.errors import SourceUnreadable, TsharkMissing
from parsers.source import Reading
from tests.data.make_tls import HERE

FILE = File("a.pcap", Reading())
KEYS = HERE / "starttls-1.3.keys"


def spoken() -> list[tuple[int, bytes]]:
    """The TLS bytes of the made conversation: direction and bytes of each frame that has some."""
    data, at, found = (HERE / "starttls-1.3.pcap").read_bytes(), 24, []
    while at < len(data):
        length = int.from_bytes(data[at + 8 : at + 12], "little")
        packet = data[at + 16 : at + 16 + length]
        payload = packet[54:]
        if payload[:1] in (b"\x14", b"\x16", b"\x17"):
            found.append((0 if packet[34:36] == (40_000).to_bytes(2, "big") else 1, payload))
        at += 16 + length
    return found


@pytest.mark.needs_tshark
def test_many_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations that are mixed come back each as it was said, and more than are tried are only counted."""
    monkeypatch.setattr(secured, "_BATCH", 2)
    monkeypatch.setattr(secured, "CONVERSATIONS_MAX", 5)
    keys = Secured(KEYS)
    numbers = [keys.conversation() for _ in range(6)]
    for frame, (direction, data) in enumerate(spoken()):
        for number in numbers:
            place: Place = (frame * 1000 + number, frame, FILE)
            keys.take(number, direction, data, place)
    opened = list(keys.opened())
    assert (keys.conversations, keys.decrypted) == (6, 5)
    first = [(o.direction, o.data, o.place[1]) for o in opened if o.conversation == 0]
    assert first[0][1].startswith(b"<?xml version=")
    for number in range(1, 5):
        assert [(o.direction, o.data, o.place[1]) for o in opened if o.conversation == number] == first
        assert all(o.place[0] % 1000 == number for o in opened if o.conversation == number)


@pytest.mark.needs_tshark
def test_tshark_is_given_so_much_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three conversations two at a time; of one that is longer only the beginning, and the rest is counted."""
    spoke = spoken()
    length = sum(len(data) for _, data in spoke)
    monkeypatch.setattr(secured, "BYTES_MAX", 2 * length)
    keys = Secured(KEYS)
    numbers = [keys.conversation() for _ in range(3)]
    for frame, (direction, data) in enumerate(spoke):
        for number in numbers:
            keys.take(number, direction, data, (frame * 1000 + number, frame, FILE))
    for _ in range(3):
        keys.take(1, 0, b"x" * length, (10**6, 10**6, FILE))
    said = {n: [(o.direction, o.data, o.place[1]) for o in found] for n, found in groupby(keys.opened(), conversation)}

    assert list(said) == numbers and said[0] == said[1] == said[2]
    assert keys.left_out == 2 * length


@pytest.mark.needs_tshark
@pytest.mark.parametrize("piece", [1, 7, 1400])
def test_tshark_is_given_so_many_records_at_once(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short they are, and however they were captured; behind the last that is opened nothing is."""
    spoke = [(way, data[at : at + piece]) for way, data in spoken() for at in range(0, len(data), piece)]

    def opened(most: int) -> tuple[list[bytes], int]:
        monkeypatch.setattr(secured, "RECORDS_MAX", most)
        keys = Secured(KEYS)
        numbers = [keys.conversation() for _ in range(2)]
        for frame, (direction, data) in enumerate(spoke):
            for number in numbers:
                keys.take(number, direction, data, (frame, frame, FILE))
        said = {n: [o.data for o in found] for n, found in groupby(keys.opened(), conversation)}
        assert said[0] == said[1]
        return said[0], keys.left_out

    whole, nothing = opened(1000)
    part, left_out = opened(12)
    assert part == whole[: len(part)] and 0 < len(part) < len(whole)
    assert nothing == 0 < left_out


def conversation(opened: Opened) -> int:
    """Its number."""
    return opened.conversation


@pytest.mark.needs_tshark
def test_long_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an offload engine handed over in one piece is cut for tshark."""
    monkeypatch.setattr(secured, "_SEGMENT", 50)
    keys = Secured(KEYS)
    number = keys.conversation()
    for frame, (direction, data) in enumerate(spoken()):
        keys.take(number, direction, data, (frame, frame, FILE))
    opened: list[Opened] = list(keys.opened())
    assert b"".join(o.data for o in opened if o.direction == 0).endswith(b"</stream:stream>")


def test_no_key_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no key log is refused before anything is read, without a word of what is in it."""
    wrong = tmp_path / "id_rsa"
    wrong.write_text("-----BEGIN PRIVATE KEY-----\nMIIEv\n")
    with pytest.raises(SourceUnreadable, match="this is no key log; name what SSLKEYLOGFILE made") as refused:
        check_keylog(wrong)
    assert "MIIEv" not in str(refused.value)
    with pytest.raises(SourceUnreadable, match="no such file or directory; check the path of the key log"):
        check_keylog(tmp_path / "nowhere")
    with pytest.raises(SourceUnreadable, match="is a directory"):
        check_keylog(tmp_path)
    monkeypatch.setattr(secured, "KEYLOG_MAX", 10)
    with pytest.raises(SourceUnreadable, match="more than 64 MiB"):
        check_keylog(KEYS)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TsharkMissing):
        check_keylog(KEYS)
