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
    return st.builds(kind, **{f.name: st.from_type(hints(kind)[f.name]) for f in dataclasses.fields(kind)})


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
