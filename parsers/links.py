"""Links among the files of an incident, and what else is no file: pipes, sockets, devices.

No link is followed, since it may lead to what nobody meant to be read; one is told of where what it stands for is not
read anyway. A pipe may keep its reader waiting for ever. Opens nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from parsers.case_file import NAME as CASE_FILE
from parsers.errors import SourceUseless

WHY = "it is a link, which is not followed"
"""Why it is not read."""
NO_FILE = "it is a pipe, a socket or a device, which is not opened"
"""Why that is not read."""


def not_followed(where: str) -> SourceUseless:
    """Why a link is not read, and what to do."""
    return SourceUseless(where, WHY, "put what it leads to in its place")


def not_opened(where: str) -> SourceUseless:
    """Why what is no file is not read, and what to do."""
    return SourceUseless(where, NO_FILE, "put a file in its place")


def is_no_file(path: Path) -> bool:
    """Whether something is neither a file nor a folder nor a link. Raises OSError where that may not be asked."""
    mode = path.lstat().st_mode
    return not (S_ISREG(mode) or S_ISDIR(mode) or S_ISLNK(mode))


def is_lost(link: Path, folder: Path) -> bool:
    """Whether what a link in a folder stands for is not read: it leads out of the folder, or to nothing, or to what is
    hidden. A `case.toml` is read by its name and place, wherever it leads.
    """
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(link))
    if link.name == CASE_FILE or not target.is_relative_to(root) or not os.path.exists(target):  # noqa: PTH110  (refuses nothing)
        return True
    return any(part.startswith(".") for part in target.relative_to(root).parts)
