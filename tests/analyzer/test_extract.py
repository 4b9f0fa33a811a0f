"""The pcapng of a session: what Wireshark shows of it, and what was said of clocks and findings."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from analyzer.excerpt import excerpts
from analyzer.report.extract import refusal, write
from analyzer.report.packets import Captured
from parsers.capture.excerpt import Frame, frames
from tests.analyzer.test_excerpt import CLIENT, SERVER, TALK, analysed
from tests.conftest import SHARED
from tests.packets import BEGIN_S, pcap, talk

HOSTILE = (
    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\x9b2J\u202e</text></stream:error>"
).encode()


def extracted(folder: Path, *paths: Path, number: int = 0) -> tuple[Path, list[Frame]]:
    """The new file of a session, and its frames."""
    case = analysed(*paths)
    session = case.view.sessions[number]
    found = excerpts(session, case)
    assert refusal(session, found, Captured()) is None
    out = io.BytesIO()
    count, _ = write(session, found, case, Captured(), out)
    path = folder / "attempt.pcapng"
    path.write_bytes(out.getvalue())
    read = list(frames(path, range(1, count + 2), ()))
    assert len(read) == count
    return path, read


def test_frames_keep_their_bytes_and_stand_in_order_of_time(tmp_path: Path) -> None:
    """Two captures of one conversation, the second half a millisecond later."""
    ours = list(talk(*TALK, client=CLIENT, server=SERVER))
    inside, outside = tmp_path / "inside.pcap", tmp_path / "outside.pcap"
    inside.write_bytes(pcap(ours))
    content = bytearray(pcap(ours))
    at = 24
    for frame in ours:
        micro = int.from_bytes(content[at + 4 : at + 8], "little") + 500
        content[at + 4 : at + 8] = micro.to_bytes(4, "little")
        at += 16 + len(frame)
    outside.write_bytes(content)
    _, read = extracted(tmp_path, inside, outside)

    assert [f.interface.name for f in read[:4]] == ["inside.pcap", "outside.pcap"] * 2
    assert [f.data for f in read] == [frame for frame in ours for _ in range(2)]
    assert [f.at_ns - BEGIN_S * 10**9 for f in read[:3]] == [0, 500_000, 10_000_000]
    assert all(f.wire_len == len(f.data) for f in read)


def test_hostile_text_comes_out_harmless(tmp_path: Path) -> None:
    """What a peer wrote into an error stands escaped in the comments of file and frame; keys stand in none."""
    path = tmp_path / "inside.pcap"
    key = b"<db:result from='cupdomain.com' to='gmail.com'>secret-key</db:result>"
    path.write_bytes(pcap(talk(*TALK[:2], (">", key), ("<", HOSTILE), client=CLIENT, server=SERVER)))
    new, read = extracted(tmp_path, path)
    told = new.read_bytes()
    for frame in read:
        told = told.replace(frame.data, b"")

    assert b"host-unknown" in told
    assert rb"\x9b2J\u202e" in told
    assert "\x9b".encode() not in told
    assert b"secret-key" not in told


def test_a_file_is_the_same_every_time(tmp_path: Path) -> None:
    """Byte for byte."""
    path = tmp_path / "inside.pcap"
    path.write_bytes(pcap(talk(*TALK, client=CLIENT, server=SERVER)))

    assert extracted(tmp_path, path)[0].read_bytes() == extracted(tmp_path, path)[0].read_bytes()


@pytest.mark.needs_shared
@pytest.mark.needs_tshark
@pytest.mark.parametrize(
    "name",
    [
        "01-healthy-dialback-plain",
        "09-outbound-dropped",
        "15e-unexpected-callback-google",
        "24b-mtu-blackhole-stanza",
        "38-clock-skew",
    ],
)
def test_wireshark_opens_every_recorded_session(name: str, tmp_path: Path) -> None:
    """As many packets as were written, in order of time, none malformed; every comment at a frame that is cited."""
    folder = SHARED / "lab" / name
    case = analysed(folder)
    for number, session in enumerate(case.view.sessions):
        if not (found := excerpts(session, case)):
            continue
        new, read = extracted(tmp_path, folder, number=number)
        told = tshark(new, "frame.time_delta", "frame.comment", "_ws.malformed")

        assert len(told) == len(read)
        assert not any(float(p["frame.time_delta"][0]) < 0 or "_ws.malformed" in p for p in told)
        cited = sum(len(pieces) for x in found for pieces in x.evidence.values())
        assert sum(len(p.get("frame.comment", ())) for p in told) == cited


@pytest.mark.needs_shared
@pytest.mark.needs_tshark
def test_clocks_are_corrected_and_that_is_said(tmp_path: Path) -> None:
    """A clock 37.5 s ahead and one 2.25 s behind: a SYN passes all four places within a millisecond."""
    new, _ = extracted(tmp_path, SHARED / "lab" / "38-clock-skew")
    about = subprocess.run(["capinfos", str(new)], capture_output=True, check=True, text=True).stdout
    to_peer = "tcp.flags == 0x002 && ip.dst == 198.51.100.10"
    command = ["tshark", "-r", str(new), "-Y", to_peer, "-T", "fields", "-e", "frame.time_epoch"]
    syns = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()

    assert (
        "asa-outside.pcap: its clock was 37.5 s ahead (±13.5 µs); time stamps here are corrected by -37,500," in about
    )
    assert (
        "peer.pcap: its clock was 2.2 s behind (±17 µs); time stamps here are corrected by +2,249,995,500 ns" in about
    )
    assert "Time stamps of the other captures are as captured." in about
    assert len(syns) == 4
    assert float(syns[-1]) - float(syns[0]) < 0.001


def tshark(path: Path, *fields: str) -> list[dict[str, list[str]]]:
    """The fields of every packet."""
    command = ["tshark", "-r", str(path), "-T", "json", *(word for field in fields for word in ("-e", field))]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return [packet["_source"].get("layers", {}) for packet in told]
