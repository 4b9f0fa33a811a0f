"""Input that is broken or hostile: one clear sentence and exit code 2, or damage and the rest of the file."""

from __future__ import annotations

import gzip
import os
import random
import struct
import subprocess
import threading
from pathlib import Path

import pytest
from click.testing import Result

from tests.command import FEDTRACE, HEALTHY, fedtrace
from tests.packets import FEATURES, header, pcap, talk, udp


def refused(result: Result) -> str:
    """The one sentence with which an input was refused."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr


def write(folder: Path, data: bytes, name: str = "trace.pcap") -> Path:
    """An input on disk."""
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_text_file_called_pcap_is_refused_by_its_content(tmp_path: Path) -> None:
    """The name says capture, the content does not."""
    assert "no format recognises it" in refused(
        fedtrace("analyze", write(tmp_path, b"Dear TAC,\nplease find the trace\n"))
    )


def test_a_log_with_nul_bytes_is_told_from_a_file_that_is_no_input(tmp_path: Path) -> None:
    """A disk that was full, or a log that was rotated under its writer, leaves them; named, the format is read."""
    line = b"Sep  6 09:14:03 s2sout55c0\tinfo\tOutgoing s2s connection cupdomain.com->example.net complete\n"
    log = write(tmp_path, b"\0\0\0\0\n" + line, "cups.log")

    assert (
        "cups.log: it begins as no capture does, and holds NUL bytes, which no log should; if it is a log, name its "
        "format with --as NAME (`fedtrace formats` lists them), else leave the file out"
    ) in refused(fedtrace("analyze", log))
    named = fedtrace("analyze", "--as", "prosody", "--year", "2013", log)
    assert "cupdomain.com → example.net   HEALTHY" in named.output


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """Zero bytes are no capture."""
    assert "empty" in refused(fedtrace("analyze", write(tmp_path, b"")))


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A misspelt path."""
    assert "no such file" in refused(fedtrace("analyze", tmp_path / "missing.pcap"))


def test_a_folder_without_captures_is_refused(tmp_path: Path) -> None:
    """Nothing in it, or nothing of use in it."""
    assert "no file" in refused(fedtrace("analyze", tmp_path))
    write(tmp_path, b"notes\n", "notes.txt")
    assert "no format recognises it" in refused(fedtrace("analyze", tmp_path))


def test_beside_a_good_capture_a_bad_file_is_named_and_left_out(tmp_path: Path) -> None:
    """One useless file does not spoil a folder."""
    write(tmp_path, b"notes\n", "notes.txt")
    write(tmp_path, HEALTHY)
    result = fedtrace("analyze", tmp_path)

    assert result.exit_code == 0
    assert "notes.txt: no format recognises it" in result.stdout
    assert "HEALTHY" in result.stdout


def test_a_pipe_that_ends_before_the_header_is_refused(tmp_path: Path) -> None:
    """A FIFO whose writer dies at once."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(HEALTHY[:10]))
    writer.start()
    with fifo.open("rb") as pipe:
        result = subprocess.run(
            [*FEDTRACE, "analyze", "-"],
            stdin=pipe,
            capture_output=True,
            text=True,
            timeout=60,
        )
    writer.join()

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_a_pipe_that_ends_early_gives_its_good_part() -> None:
    """Standard input that stops in the middle of a record."""
    result = subprocess.run(
        [*FEDTRACE, "analyze", "-"],
        input=HEALTHY[:-20],
        capture_output=True,
        timeout=60,
    )

    assert result.returncode == 0
    assert b"damage" in result.stdout
    assert b"HEALTHY" in result.stdout


def test_a_record_of_two_gigabytes_is_damage_and_what_was_before_counts(tmp_path: Path) -> None:
    """A record header that claims 2 GB: no such memory is asked for, and what follows is counted as lost."""
    huge = struct.pack("<IIII", 1_378_458_900, 0, 2 << 30, 2 << 30) + b"x" * 100
    result = fedtrace("analyze", write(tmp_path, HEALTHY + huge))

    assert result.exit_code == 0
    assert "damage" in result.stdout
    assert "HEALTHY" in result.stdout


def block(kind: int, body: bytes, length: int | None = None) -> bytes:
    """A pcapng block; `length` to lie about it."""
    body += bytes(-len(body) % 4)
    total = 12 + len(body) if length is None else length
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def pcapng(*tail: bytes) -> bytes:
    """The good conversation as pcapng, and what comes behind it."""
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 262144))
    at = 24
    while at < len(HEALTHY):
        seconds, us, length, _ = struct.unpack_from("<IIII", HEALTHY, at)
        stamp = seconds * 1_000_000 + us
        frame = HEALTHY[at + 16 : at + 16 + length]
        out += block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, length, length) + frame)
        at += 16 + length
    return out + b"".join(tail)


def test_a_pcapng_block_of_length_zero_does_not_hang(tmp_path: Path) -> None:
    """A block that would be read for ever."""
    result = fedtrace("analyze", write(tmp_path, pcapng(block(6, b"", length=0), bytes(64)), "trace.pcapng"))

    assert result.exit_code == 0
    assert "damage" in result.stdout
    assert "HEALTHY" in result.stdout


def test_a_gzip_that_was_cut_gives_its_good_part(tmp_path: Path) -> None:
    """Half a download."""
    noise = random.Random(7)
    packed = gzip.compress(
        HEALTHY + pcap(udp("10.0.0.5", 1, "10.0.0.6", 2, noise.randbytes(1000)) for _ in range(200))[24:]
    )
    result = fedtrace("analyze", write(tmp_path, packed[: len(packed) * 3 // 4]))

    assert result.exit_code == 0
    assert "damage" in result.stdout
    assert "HEALTHY" in result.stdout


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><stream:stream>&b;",
        header("evil.example", "cupdomain.com") + b"<presence>&b;</presence>",
    ],
)
def test_entities_are_never_expanded(tmp_path: Path, hostile: bytes) -> None:
    """A billion laughs in a stream: restricted XML (RFC 6120 section 11.1), told and not read further."""
    result = fedtrace("events", write(tmp_path, pcap(talk((">", hostile)))))

    assert result.exit_code == 0
    assert "restricted-xml" in result.stdout


def test_ten_megabytes_of_one_tag_are_stopped_early(tmp_path: Path) -> None:
    """A start tag that never ends."""
    endless = header("evil.example", "cupdomain.com") + b"<message a='" + b"x" * 10_000_000
    result = fedtrace("events", write(tmp_path, pcap(talk((">", endless)), step_ms=1)))

    assert result.exit_code == 0
    assert "too-big" in result.stdout


def test_dns_pointers_in_a_loop_are_damage(tmp_path: Path) -> None:
    """A name that points at itself, in an answer about federation."""
    name = b"\x0c_xmpp-server\x04_tcp\xc0\x0c"
    message = struct.pack(">HHHHHH", 7, 0x8180, 1, 0, 0, 0) + name + struct.pack(">HH", 33, 1)
    frame = udp("10.0.0.53", 53, "10.0.0.5", 4000, message)
    result = fedtrace("analyze", write(tmp_path, pcap([frame])))

    assert result.exit_code == 3
    assert "could not be decoded" in result.stdout


def test_control_characters_of_the_wire_never_reach_the_terminal(tmp_path: Path) -> None:
    """An escape sequence in a stream error stays text."""
    hostile = "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" + (
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\u202e\u009b31m red</text></stream:error>"
    )
    said = ((">", header("a.example", "b.example")), ("<", header("b.example", "a.example", "id-1") + hostile.encode()))
    for verb in ("analyze", "events"):
        result = fedtrace(verb, write(tmp_path, pcap(talk(*said))))

        assert "\u009b" not in result.stdout
        assert "\u202e" not in result.stdout


def test_keys_and_bodies_never_leave(tmp_path: Path) -> None:
    """Neither a dialback key nor a message's text is in any output."""
    chat = b"<message from='a@cupdomain.com' to='b@gmail.com'><body>the launch code</body></message>"
    text = pcap(
        talk(
            (">", header("cupdomain.com", "gmail.com")),
            ("<", header("gmail.com", "cupdomain.com", "stream-id-1") + FEATURES),
            (">", b"<db:result from='cupdomain.com' to='gmail.com'>secret-key</db:result>"),
            ("<", b"<db:result type='valid' from='gmail.com' to='cupdomain.com'>secret-key</db:result>"),
            (">", chat),
        )
    )
    path = write(tmp_path, text)
    for arguments in (("analyze",), ("analyze", "--format", "json"), ("events",), ("events", "--jsonl")):
        output = fedtrace(*arguments, path).output

        assert "secret-key" not in output
        assert "launch code" not in output


def test_a_pipe_that_is_named_is_no_reason_to_wait(tmp_path: Path) -> None:
    """It says how a pipe is read, whoever writes to it or not."""
    os.mkfifo(tmp_path / "pipe")
    result = fedtrace("analyze", tmp_path / "pipe")

    assert result.exit_code == 2
    assert "this is a pipe; read it as standard input: fedtrace analyze - < " in result.output
