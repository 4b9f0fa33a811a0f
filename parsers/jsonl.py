"""Events as JSON lines and back: what `fedtrace events --jsonl` writes is an input again.

One object a line, the class name as `kind`, keys sorted by the vocabulary; the same bytes for the same events.
Knows nothing of what events mean.
"""

from __future__ import annotations

import dataclasses
import io
import json
import typing
from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from parsers.capture.inflate import Bytes
from parsers.events import EVENT_TYPES, Damage, DnsRecord, Event, Flow, Topic, Where
from parsers.format import Guess, Head
from parsers.source import How, Reading, Source

KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in EVENT_TYPES}
LINE_MAX = 1 << 20
"""A line longer than 1 MiB is damage: the largest event, a DNS answer of 64 KiB, stays far below it."""
INT_MAX = (1 << 63) - 1
"""No number of an event is larger: instants in ns fit into 64 bits until the year 2262."""
BUFFER_BYTES = 1 << 16
"""How much is read at once."""
_PARTS = {"where": Where, "flow": Flow, "answers": DnsRecord, "real": Flow, "mapped": Flow}


def line(event: Event) -> str:
    """One event as one line of JSON, without the line end; fields that are None or empty are left out."""
    return json.dumps({"kind": type(event).__name__, **_plain(event)}, ensure_ascii=False, separators=(",", ":"))


def _plain(thing: Any) -> dict[str, Any]:
    """A dataclass as a dict of plain values."""
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if value is None or (value == field.default and field.default is not dataclasses.MISSING):
            continue
        if dataclasses.is_dataclass(value):
            plain[field.name] = _plain(value)
        elif isinstance(value, tuple):
            plain[field.name] = [_plain(v) if dataclasses.is_dataclass(v) else v for v in value]
        else:
            plain[field.name] = value
    return plain


def event(text: str) -> Event:
    """The event of one line. Raises ValueError with one sentence when it is none."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from None
    name = plain.pop("kind", None) if isinstance(plain, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError("no event: the key `kind` names no class of events")
    return typing.cast(Event, _build(kind, plain))


@cache
def _types(kind: Hashable) -> Mapping[str, tuple[Any, ...]]:
    """The types that each field of a dataclass admits; Literals as their values' types."""
    admitted = {}
    for name, hint in typing.get_type_hints(typing.cast(type[Any], kind)).items():
        options = typing.get_args(hint) if typing.get_origin(hint) not in (None, tuple, typing.Literal) else (hint,)
        admitted[name] = options
    return admitted


def _build(kind: type[Any], plain: Mapping[str, Any]) -> Any:
    """A dataclass from plain values, every value checked against the declared type."""
    if not isinstance(plain, dict):
        raise ValueError(f"{kind.__name__}: not an object")
    values = {}
    admitted: Mapping[str, tuple[Any, ...]] = _types(typing.cast(Hashable, kind))
    names = {f.name for f in dataclasses.fields(kind)}
    for name, value in plain.items():
        if name not in names:
            raise ValueError(f"{kind.__name__} has no field {name!r}")
        values[name] = _value(kind, name, value, admitted[name])
    missing = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING and f.name not in values]
    for name in missing:
        # None is left out when written; a field that may be None and has no default comes back as None.
        if type(None) not in admitted[name]:
            raise ValueError(f"{kind.__name__} wants a field {name!r}")
        values[name] = None
    return kind(**values)


def _value(kind: type[Any], name: str, value: Any, options: tuple[Any, ...]) -> Any:
    for option in options:
        origin = typing.get_origin(option)
        if origin is typing.Literal and value in typing.get_args(option):
            return value
        if origin is tuple and isinstance(value, list):
            part = _PARTS.get(name)
            if part is not None:
                return tuple(_build(part, v) for v in value)
            if all(isinstance(v, str) and _is_text(v) for v in value):
                return tuple(value)
        if option is Topic and isinstance(value, str) and value in Topic._value2member_map_:
            return Topic(value)
        if dataclasses.is_dataclass(option) and isinstance(value, dict):
            return _build(typing.cast(type[Any], option), value)
        if option is bool and type(value) is bool:
            return value
        if option is int and type(value) is int and abs(value) <= INT_MAX:
            return value
        if option is str and isinstance(value, str) and _is_text(value):
            return value
        if typing.get_origin(option) is not None and not isinstance(option, type):
            nested = typing.get_args(option)
            if nested and value in nested:
                return value
    told = repr(value[:40]) if isinstance(value, str) else type(value).__name__
    raise ValueError(f"{kind.__name__}.{name}: {told} does not fit")


def _is_text(value: str) -> bool:
    """Whether a string can be written again: JSON may spell half of a surrogate pair, UTF-8 cannot."""
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)


class _Unpacked(io.RawIOBase):
    """An input, plain or packed, as a file to read lines from."""

    def __init__(self, packed: Bytes) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        return self._packed.fill(memoryview(into))


class Jsonl:
    """JSON lines as a format, plain or in gzip or zstd."""

    name = "jsonl"
    title = "events as JSON lines"
    explanation = "What `fedtrace events --jsonl` writes: a cache, an exchange format and the input of test cases."
    reference = "parsers/events.py"

    def guess(self, head: Head) -> Guess:
        """By the first line's `kind`."""
        lines = head.lines
        if lines and lines[0].startswith('{"kind":"'):
            return Guess(score=95, because='the first line begins {"kind":')
        return Guess(score=0, because="no line of events")

    def read(self, source: Source, how: How, reading: Reading) -> Iterator[Event]:
        """Every line an event; a line that is none is damage, at the instant of the event before it."""
        reading.lines = 0
        reading.resolution_ns = 1
        at_ns = 0

        def damage(what: str, lost: int, unit: Literal["bytes", "lines"]) -> Damage:
            where = Where(source=source.name, line=reading.lines)
            return Damage(at_ns=at_ns, width_ns=1, where=where, what=what, lost=lost, unit=unit)

        with Bytes(source.file) as packed, io.BufferedReader(_Unpacked(packed), BUFFER_BYTES) as file:
            while raw := file.readline(LINE_MAX + 1):
                reading.lines += 1
                if len(raw) > LINE_MAX:
                    while raw and not raw.endswith(b"\n"):
                        raw = file.readline(LINE_MAX)
                    yield damage("a line longer than 1 MiB", 1, "lines")
                    continue
                if not raw.strip():
                    continue
                try:
                    read = event(raw.decode("utf-8", "replace"))
                except ValueError as error:
                    yield damage(str(error), 1, "lines")
                    continue
                at_ns = read.at_ns + how.offset_ns
                yield dataclasses.replace(read, at_ns=at_ns) if how.offset_ns else read
                if not isinstance(read, Damage):
                    reading.first_ns = at_ns if reading.first_ns is None else min(reading.first_ns, at_ns)
                    reading.last_ns = at_ns if reading.last_ns is None else max(reading.last_ns, at_ns)
            for what, lost in packed.damage:
                yield damage(what, lost, "bytes")


FORMAT = Jsonl()
