"""What the bytes of a file are called: apart from reading it, since that takes as long, and few want to know."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

_CHUNK = 1 << 18
"""Bytes read at once."""


def fingerprint(path: Path | str) -> str:
    """SHA-256 of the file's bytes as they lie on disk, hex. Raises `OSError`."""
    # Not `hashlib.file_digest`, which clears its buffer first: that takes longer than a small file does.
    whole = sha256()
    with Path(path).open("rb", buffering=0) as file:
        while some := file.read(_CHUNK):
            whole.update(some)
    return whole.hexdigest()
