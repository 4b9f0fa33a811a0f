"""With a key log, what is said inside TLS is told like what is said in the clear; the two captures are made, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.capture.decrypted import DecryptingReader
from parsers.capture.files import read_ring
from parsers.capture.select import packets
from parsers.events import Damage, Dialback, Event, Stanza, StreamEnd, StreamHeader, Tally, TlsData
from parsers.jsonl import line
from parsers.source import How, Reading, Source
from tests.packets import header, pcap, talk

pytestmark = pytest.mark.needs_tshark
DATA = Path(__file__).resolve().parents[1] / "data"
VERSIONS = ("1.2", "1.3")


def read(path: Path, keys: str | None, engine: str = "auto") -> tuple[list[Event], list[str]]:
    """Events of a capture, and what was assumed."""
    reading = Reading()
    how = How(keylog=DATA / keys if keys else None, engine=engine)
    return read_ring([(Source(name="a.pcap", path=path, format="capture"), reading)], how), reading.assumed


@pytest.mark.parametrize("engine", ["own", "tshark"])
@pytest.mark.parametrize("version", VERSIONS)
def test_inside(version: str, engine: str) -> None:
    """Stream headers, dialback and stanzas stand at the frames that brought them, on the flow of the ciphertext."""
    path = DATA / f"starttls-{version}.pcap"
    events, assumed = read(path, f"starttls-{version}.keys", engine)
    assert assumed == ["the key log opens 1 of its 1 TLS conversations"]
    inside = [e for e in events if e.where.frame is not None and e.where.frame > 18]
    told = [(type(e), e.where.frame) for e in inside if isinstance(e, StreamHeader | Dialback | Stanza | StreamEnd)]
    assert told == [
        (StreamHeader, 20),
        (StreamHeader, 22),
        (Dialback, 24),
        (Dialback, 26),
        (Stanza, 28),
        (StreamEnd, 28),
    ]
    assert {e.flow for e in inside} == {e.flow for e in events if isinstance(e, TlsData)}
    assert [e.stanzas for e in events if isinstance(e, Tally)] == [0, 1]
    alone, _ = read(path, None, engine)
    outside = [e for e in alone if not isinstance(e, Tally)]
    assert [e for e in events if e in outside] == outside


@pytest.mark.parametrize("version", VERSIONS)
def test_no_secret_comes_out(version: str) -> None:
    """Neither bodies, nor dialback keys, nor anything of the key log is in an event."""
    keys = f"starttls-{version}.keys"
    events, assumed = read(DATA / f"starttls-{version}.pcap", keys)
    told = "\n".join([*map(line, events), *assumed])
    assert "a secret" not in told
    assert "5ec4e7" not in told
    assert not [word for word in (DATA / keys).read_text().split() if len(word) > 32 and word.lower() in told.lower()]


def test_a_key_log_that_fits_nothing() -> None:
    """The key log of another conversation changes nothing, and that is said."""
    events, assumed = read(DATA / "starttls-1.3.pcap", "starttls-1.2.keys")
    assert assumed == ["the key log fits none of its 1 TLS conversations"]
    assert events == read(DATA / "starttls-1.3.pcap", None)[0]


def test_no_tls(tmp_path: Path) -> None:
    """A capture without TLS needs no key."""
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap(talk((">", header("a.example", "b.example")))))
    assert read(path, "starttls-1.2.keys")[1] == ["it holds no TLS that a key log could open"]


def test_missing_bytes(tmp_path: Path) -> None:
    """After bytes that the capture has lost nothing of that direction can be opened; the other goes on."""
    data = (DATA / "starttls-1.3.pcap").read_bytes()
    records, at = [], 24
    while at < len(data):
        length = 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        records.append(data[at : at + length])
        at += length
    path = tmp_path / "hole.pcap"
    path.write_bytes(data[:24] + b"".join(records[:23] + records[24:]))
    events, _ = read(path, "starttls-1.3.keys")
    inside = [(e.where.frame, e.from_domain) for e in events if isinstance(e, StreamHeader | Dialback | Stanza)]
    assert inside[2:] == [(20, "cupdomain.com"), (22, "peer.example"), (25, "peer.example")]


def test_no_xml_inside(tmp_path: Path) -> None:
    """What is inside and cannot be read is damage, counted."""
    reader = DecryptingReader(DATA / "starttls-1.3.keys")
    reading = Reading()
    opened = reader._secured.opened
    reader._secured.opened = lambda: (o._replace(data=b"\xff\xfe<<<" * 9) for o in opened())  # type: ignore[method-assign]
    path = DATA / "starttls-1.3.pcap"
    reader.read("a.pcap", packets(path, How(), reading), reading)
    assert [e for e in reader.close() if isinstance(e, Damage) and e.what.startswith("inside TLS, ")]
