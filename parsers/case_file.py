"""`case.toml`: what somebody knows of the files of an incident that the files do not say themselves.

    zone = "Europe/Berlin"              # all files of this folder and those below it

    [files."cups/xmpp-cm-4*.log"]       # files by shell pattern, from this folder
    date = "2013-12-04"
    offset = -2.5                       # seconds added to every instant
    vantage = "cupdomain.com"

Knows no file's content.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from parsers.clock import day_named, zone_named
from parsers.errors import FedtraceError, SourceUnreadable, SourceUseless
from parsers.source import How

NAME = "case.toml"
"""How the file is called."""
SIZE_MAX = 1 << 20
"""A longer file is none that somebody wrote."""
_OFFSET_MAX_S = 10**10
_KEYS = ("zone", "year", "date", "offset", "vantage", "format")


@dataclass(frozen=True, slots=True)
class Known:
    """What one `case.toml` says."""

    folder: Path
    """The folder that it is of."""
    all: Mapping[str, Any]
    """Fields of `How` for every file below."""
    files: Mapping[str, Mapping[str, Any]]
    """… for files by shell pattern, relative to the folder."""

    def of(self, path: Path, how: How) -> How:
        """`how`, with what is said of that file; the pattern that stands last has the last word."""
        try:
            inside = path.relative_to(self.folder).as_posix()
        except ValueError:
            return how
        said = dict(self.all)
        for pattern, fields in self.files.items():
            if fnmatchcase(inside, pattern) or ("/" not in pattern and fnmatchcase(path.name, pattern)):
                said |= fields
        return replace(how, **said)


def read(path: Path, file: Path) -> Known:
    """Read the one at `path`, the bytes of which are in `file`. Raises SourceUnreadable with what is wrong in it."""
    try:
        with file.open("rb") as opened:
            data = opened.read(SIZE_MAX + 1)
        if len(data) > SIZE_MAX:
            raise SourceUseless(str(path), "longer than 1 MiB", "keep only what is known of the files")
        table = tomllib.loads(data.decode(), parse_float=Decimal)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SourceUnreadable(str(path), reason, "check its permissions") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise SourceUseless(str(path), f"not TOML: {str(error)[:120]}", "mend it or move it away") from None
    files = table.pop("files", {})
    if not isinstance(files, dict) or not all(isinstance(fields, dict) for fields in files.values()):
        raise SourceUseless(str(path), "`files` is no table of tables", 'write [files."pattern"] above the keys')
    return Known(
        path.parent, _fields(table, path), {pattern: _fields(fields, path) for pattern, fields in files.items()}
    )


def how_of(known: Iterable[Known], path: Path, how: How) -> How:
    """What is known of one file: of several, the one that is nearest to it has the last word."""
    for one in sorted(known, key=lambda k: len(k.folder.parts)):
        how = one.of(path, how)
    return how


def _fields(table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Fields of `How` from the keys of a table. Raises SourceUseless."""

    def wrong(key: str, example: str) -> SourceUseless:
        return SourceUseless(str(path), f"`{key}` says {str(table[key])[:40]!r}", f"write it as {example}")

    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise SourceUseless(str(path), f"{key[:40]!r} is no key of it", f"the keys are {', '.join(_KEYS)}")
        if key == "zone":
            try:
                zone_named(value if isinstance(value, str) else "")
            except FedtraceError:
                raise wrong(key, '"Europe/Berlin" or "+02:00"') from None
            found["zone"] = value
        elif key == "year":
            if not isinstance(value, int) or isinstance(value, bool) or not 1980 <= value < 2200:
                raise wrong(key, "2013")
            found["year"] = value
        elif key == "date":
            text = value.isoformat() if type(value) is datetime.date else value
            try:
                found["date"] = day_named(text if isinstance(text, str) else "").isoformat()
            except FedtraceError:
                raise wrong(key, '"2013-12-04"') from None
        elif key == "offset":
            number = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
            if number is None or not number.is_finite() or abs(number) >= _OFFSET_MAX_S:
                raise wrong(key, "-2.5, in seconds")
            found["offset_ns"] = int(number * 10**9)
        elif not isinstance(value, str) or not value or len(value) > 255:
            raise wrong(key, '"cupdomain.com"' if key == "vantage" else '"prosody"')
        else:
            found[key] = value
    return found
