"""A case without the names in it: Event → Event, Source → Source, with every join intact.

Names, addresses, JIDs and file names get stand-ins, the same in every event; dialback keys lose even their digest;
texts of logs and of the wire keep only the words that fedtrace itself speaks. What is found of the redacted case is
what would be found of the case. Knows no layout and no meaning of an event.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from parsers.case import Case
from parsers.errors import FedtraceError, SourceUnreadable
from parsers.events import Damage, Event, Where
from parsers.inputs import NOWHERE
from parsers.source import Reading, Source
from parsers.standins import ENDINGS, StandIns

Thing = TypeVar("Thing")

"""Where the bytes of a redacted source are: no report can take their fingerprint, since that of a short transcript
betrays the one name in it to whoever tries enough guesses."""


class Redaction:
    """The stand-ins of one case, given to whatever is to be shown."""

    def __init__(self, words: frozenset[str], sources: Iterable[str] = ()) -> None:
        """`words` are those that may stay in texts; `sources` the names of all inputs."""
        self.standins = StandIns(words)
        names = sorted(set(sources))
        width = len(str(len(names)))
        # Numbered in the order of their names: where instants are equal, names decide which event comes first.
        self._sources = {n: f"source-{number:0{width}}{_ending(n)}" for number, n in enumerate(names, start=1)}
        told = sorted((n for n in names if n), key=len, reverse=True)
        self._told = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, told))})(?![\w-]|\.\w)") if told else None

    def source(self, name: str) -> str:
        """How an input is called; "" and "-" stay."""
        if name in ("", "-"):
            return name
        if name not in self._sources:
            self._sources[name] = f"source-{len(self._sources) + 1}{_ending(name)}"
        return self._sources[name]

    def domain(self, name: str) -> str:
        """A domain."""
        return self.standins.name(name)

    def interface(self, name: str) -> str:
        """A name of an interface: which side is meant stays."""
        return _interface(self.standins, name)

    def sentence(self, text: str) -> str:
        """A sentence of our own, which may name inputs."""
        if self._told is None:
            return self.standins.text(text)
        parts = self._told.split(text)
        return "".join(self.source(p) if number % 2 else self.standins.text(p) for number, p in enumerate(parts))

    # --- events

    def event(self, event: Event) -> Event:
        """The event as it may be shown to anybody."""
        return self._replaced(event)

    def _replaced(self, thing: Thing) -> Thing:
        """A dataclass, each of its fields replaced by what it holds."""
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(thing):  # type: ignore[arg-type]  # events, and their parts
            value = getattr(thing, field.name)
            if value is None or isinstance(value, bool | int) or value == "" or value == ():
                continue
            new = self._value(thing, field.name, value)
            if new != value:
                changed[field.name] = new
        return dataclasses.replace(thing, **changed) if changed else thing  # type: ignore[type-var]

    def _value(self, thing: Any, name: str, value: Any) -> Any:
        """One field, by what it holds."""
        if isinstance(value, Where):
            return dataclasses.replace(value, source=self.source(value.source))
        if dataclasses.is_dataclass(value):
            return self._replaced(value)
        if isinstance(value, tuple) and dataclasses.is_dataclass(value[0]):
            return tuple(self._replaced(part) for part in value)
        if (type(thing), name) == (Damage, "what"):
            return self.sentence(value)
        replace = FIELDS.get(f"{type(thing).__name__}.{name}") or FIELDS.get(name, StandIns.text)
        if isinstance(value, tuple):
            return tuple(replace(self.standins, part) for part in value)
        return replace(self.standins, value)


@dataclasses.dataclass(frozen=True)
class Original:
    """The case that a redacted one stands for: who reads the inputs again needs it, and nothing of it is shown."""

    case: Case
    """As it was read."""
    redaction: Redaction
    """The stand-ins of the redacted one."""

    def source(self, shown: Source) -> Source:
        """The input that a source of the redacted case stands for."""
        return next(source for source in self.case.sources if self.redaction.source(source.name) == shown.name)


def redacted(case: Case, redaction: Redaction) -> Case:
    """The case as it may be shown to anybody. Its sources cannot be read any more."""
    for event in case.river():
        # The domains that the case is about get the first numbers.
        for name in (getattr(event, "from_domain", None), getattr(event, "to_domain", None)):
            if name is not None:
                redaction.domain(name)
    return Case(
        sources=[_source(source, redaction) for source in case.sources],
        readings={redaction.source(name): _reading(reading, redaction) for name, reading in case.readings.items()},
        events={
            redaction.source(tap): [redaction.event(event) for event in events] for tap, events in case.events.items()
        },
        problems={redaction.source(name): _problem(name, error, redaction) for name, error in case.problems.items()},
        inputs=case.inputs,
    )


def _source(source: Source, redaction: Redaction) -> Source:
    name = redaction.source(source.name)
    return dataclasses.replace(
        source,
        name=name,
        path=source.path if str(source.path) == "-" else Path(name),
        held=NOWHERE,
        vantage=None if source.vantage is None else redaction.domain(source.vantage),
        tap=redaction.source(source.tap),
        assumed=tuple(redaction.sentence(sentence) for sentence in source.assumed),
    )


def _reading(reading: Reading, redaction: Redaction) -> Reading:
    return dataclasses.replace(reading, assumed=[redaction.sentence(sentence) for sentence in reading.assumed])


def _problem(name: str, error: FedtraceError, redaction: Redaction) -> FedtraceError:
    problem, next_step = redaction.sentence(error.problem), redaction.sentence(error.next_step)
    return SourceUnreadable(redaction.source(name), problem, next_step)


def _ending(name: str) -> str:
    """The endings of a file name that tell its format: `.pcap.gz`."""
    endings = ""
    for ending in reversed(Path(name).suffixes):
        if ending.lower() not in ENDINGS:
            break
        endings = ending + endings
    return endings


# --- fields of events

_OPAQUE = re.compile(r"[\w+/=-]*")
"""Ids, mechanisms and conditions."""
_STANDARD = re.compile(
    r"(?:jabber:|urn:(?:ietf|xmpp):|http://(?:etherx\.)?jabber\.org/)[\w:.#/-]*|(?:TLS|SSL) [\d.]+|[\d.]{1,7}"
    r"|\d+ (?:hex|lower alphanumerics)|[A-Z ]+"
)
"""Namespaces of XMPP, versions, shapes of keys, flags: no name is in them but those of standards."""
_INTERFACES = frozenset({"inside", "outside", "dmz", "management", "identity", "any"})
"""Names of interfaces that stay: they say which side is meant, and everybody's firewall has them."""


def _kept(_: StandIns, value: str) -> str:
    """One of a closed list of values."""
    return value


def _word(own: StandIns, value: str) -> str:
    """A word of a protocol or an opaque id, where the wire may have put anything."""
    if _STANDARD.fullmatch(value) or (_OPAQUE.fullmatch(value) and not own.knows(value)):
        return value
    return own.text(value)


def _record(own: StandIns, value: str) -> str:
    """What a DNS record holds: an address, a name, or the words of a TXT."""
    return own.text(value) if " " in value or '"' in value else own.name(value)


def _interface(own: StandIns, value: str) -> str:
    return value if value.lower() in _INTERFACES else own.of("interface", value, lambda n: f"interface-{n}")


def _numbered(kind: str, form: str) -> Callable[[StandIns, str], str]:
    """Stand-ins that are counted; `form` is a format of the number."""
    return lambda own, value: own.of(kind, value, lambda number: form.format(number))


FIELDS: Mapping[str, Callable[[StandIns, str], str]] = {
    **dict.fromkeys(("src_ip", "dst_ip", "client_ip", "resolver_ip", "peer_ip", "own_ip"), StandIns.address),
    **dict.fromkeys(("reporter_ip", "target_ip", "target"), StandIns.address),
    **dict.fromkeys(("from_domain", "to_domain", "sni", "names"), StandIns.name),
    **dict.fromkeys(("DnsQuery.name", "DnsAnswer.name", "DnsRecord.name"), StandIns.name),
    **dict.fromkeys(("subject", "issuer"), StandIns.subject),
    **dict.fromkeys(("text", "reason", "value", "Setting.name"), StandIns.text),
    **dict.fromkeys(("id", "stream_id", "condition", "mechanism", "sasl", "alpn", "cipher", "version"), _word),
    **dict.fromkeys(("namespace", "type", "level", "code", "description", "protocol", "tool", "rrtype"), _word),
    **dict.fromkeys(("message_id", "direction", "flags", "key_form"), _word),
    **dict.fromkeys(("proto", "section", "mark", "side", "starttls", "word", "verdict", "action", "topic"), _kept),
    **dict.fromkeys(("Stanza.name", "BadXml.reason", "outcome", "unit"), _kept),
    "DnsRecord.data": _record,
    "interfaces": _interface,
    "tag": _numbered("tag", "thread-{}"),
    "prompt": _numbered("prompt", "prompt-{}"),
    "rule": _numbered("list", "access-list-{}"),
    "connection": _numbered("connection", "{}"),
    "key_digest": _numbered("key", "{:012x}"),
    "random_digest": _numbered("random", "{:012x}"),
    "sha256": _numbered("certificate", "{:064x}"),
}
"""How each field of an event is replaced, by its name, that of its class before it where two classes differ."""
