"""The name of a file's bytes, by which another reader knows that it has the same."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from parsers.fingerprint import fingerprint


def test_a_fingerprint_is_of_the_file_as_it_lies(tmp_path: Path) -> None:
    """SHA-256 of the packed bytes, however many."""
    for content in (b"abc", b"", gzip.compress(b"abc", mtime=0), bytes(range(256)) * 5_000):
        (tmp_path / "trace.pcap").write_bytes(content)
        assert fingerprint(tmp_path / "trace.pcap") == sha256(content).hexdigest()
