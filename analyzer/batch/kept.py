"""Pieces of work that are done: the files that each came to, and a receipt, which is written last.

A piece of work is called by its key. As long as its receipt is missing, it is not done. Knows no case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from analyzer.batch.store import Store

KEPT = ".work/kept"
"""Where the receipts lie, `KEY.json`, and the files of each piece of work, in a folder that is called by its key."""
_RECEIPT = ".json"

Rows = dict[str, dict[str, list[list[Any]]]]
"""Rows by day and by table, column by column: what JSON can say."""


def place(key: str, name: str) -> str:
    """Where a file of a piece of work is kept: beside the others, since folders take as long to make as files."""
    return f"{KEPT}/{key}/{name.replace('/', '+')}"


def keep(store: Store, key: str, files: Mapping[str, bytes], told: Mapping[str, Any], rows: Rows | None = None) -> None:
    """Keep what a piece of work came to: files by name, what is told of it, and rows that become no file yet.

    The rows stand below the receipt in the same file, since a file takes longer to write than they do.
    """
    receipt = json.dumps({**told, "files": {name: len(data) for name, data in files.items()}}, sort_keys=True)
    whole = f"{receipt}\n{json.dumps(rows)}" if rows else receipt
    store.put({**{place(key, name): data for name, data in files.items()}, f"{KEPT}/{key}{_RECEIPT}": whole.encode()})


def receipt(store: Store, key: str) -> dict[str, Any] | None:
    """What was told of a piece of work, with its `files`; None where it is not done, or a file of it is missing."""
    whole = store.get(f"{KEPT}/{key}{_RECEIPT}")
    if whole is None:
        return None
    told: dict[str, Any] = json.loads(whole.partition(b"\n")[0])
    sizes: dict[str, int] = told["files"]
    there = store.sizes([place(key, name) for name in sizes]) == list(sizes.values())
    return told if there else None


def rows(store: Store, key: str) -> Rows:
    """The rows that were kept with a receipt."""
    _, _, below = (store.get(f"{KEPT}/{key}{_RECEIPT}") or b"").partition(b"\n")
    found: Rows = json.loads(below or b"{}")
    return found


def forget(store: Store, is_wanted: Callable[[str], bool]) -> None:
    """Remove every piece of work but those whose keys are wanted."""
    for name in store.names(KEPT):
        if not is_wanted(name.removesuffix(_RECEIPT)):
            if name.endswith(_RECEIPT):
                store.drop(f"{KEPT}/{name}")
            else:
                store.drop_all(f"{KEPT}/{name}")
