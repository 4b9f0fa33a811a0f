"""Any event at all: for tests that must hold whatever a source shows.

`anything(kind)` draws events of a class from its declared types; `variants(kind)` lists one for each combination of its
closed choices (Literals, booleans, None), so that a test can walk all of them without luck.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
import types
import typing
from collections.abc import Iterator
from functools import cache

from hypothesis import strategies as st

from parsers.events import DnsRecord, Event, Flow, Where

FLOW = Flow(src_ip="192.0.2.1", src_port=40000, dst_ip="192.0.2.2", dst_port=5269)
"""From the end that opened the conversation."""
CLIENT = (FLOW.src_ip, FLOW.src_port)
"""That end."""
RECORD = DnsRecord(name="x.example", rrtype="A", ttl_s=300, data="192.0.2.2")
_WORDS: dict[str, tuple[object, ...]] = {
    "rcode": (-1, 0, 2, 3, 5),
    "answers": ((), (RECORD,)),
    "rrtype": ("A",),
    "level": ("warning", "fatal", "encrypted"),
    "description": ("handshake_failure", "close_notify"),
    "at_ns": (1,),
    "width_ns": (1,),
    "where": (Where(source="a.pcap", frame=1),),
    "flow": (FLOW, FLOW.reverse),
    "tag": (None,),
}
"""Values that matter where the declared type is open, by field name."""


@cache
def hints(kind: type[Event]) -> dict[str, typing.Any]:
    """The declared types of a class of events, by field name."""
    return typing.get_type_hints(kind)


def anything(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one class, every field drawn from what its type admits."""
    return _built(kind)


def _built(kind: type) -> st.SearchStrategy[typing.Any]:
    """A dataclass with every field drawn."""
    return st.builds(kind, **{name: _drawn(hint) for name, hint in typing.get_type_hints(kind).items()})


def _drawn(hint: typing.Any) -> st.SearchStrategy[typing.Any]:
    """What a declared type admits; whole numbers as 64 bits hold them."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return st.one_of(*(_drawn(option) for option in typing.get_args(hint)))
    if typing.get_origin(hint) is tuple:
        return st.lists(_drawn(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if dataclasses.is_dataclass(hint):
        return _built(typing.cast(type, hint))
    return st.integers(1 - (1 << 63), (1 << 63) - 1) if hint is int else st.from_type(hint)


def variants(kind: type[Event]) -> Iterator[Event]:
    """One event for each combination of closed choices, in both directions."""
    names = [f.name for f in dataclasses.fields(kind)]
    for values in itertools.product(*(_choices(name, hints(kind)[name]) for name in names)):
        yield kind(**dict(zip(names, values, strict=True)))


def _choices(name: str, hint: typing.Any) -> tuple[object, ...]:
    """The values of a field that are worth telling apart."""
    if name in _WORDS:
        return _WORDS[name]
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(value for option in typing.get_args(hint) for value in _choices("", option))
    if typing.get_origin(hint) is tuple:
        return ((),)
    if hint is bool:
        return (False, True)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return tuple(hint)
    return {int: (1,), str: ("x",), type(None): (None,), Flow: (FLOW,)}[hint]
