"""Scenes: events written down as a person would tell them, for rules and sessions to be tried on.

A scene is lines of `SECONDS  SENDER > RECEIVER  WHAT`, seconds after 2013-09-06 09:14:00 UTC, ends as `ADDRESS:PORT`:

    0.00  10.0.0.5:4000 > 10.0.0.53:53        query SRV _xmpp-server._tcp.gmail.com
    0.02  back  answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.03  10.0.0.53:53 > 10.0.0.5:4000        answer A x.l.google.com NXDOMAIN
    0.05  10.0.0.5:40000 > 198.51.100.10:5269  syn
    1.05  same                                 syn again
    1.10  back                                 syn-ack
    1.12  same                                 StreamHeader from=cupdomain.com to=gmail.com version=1.0

`same` is the way of the line before in its conversation's client direction, `back` the other way.
`#N` is a DNS message's id, and what follows `# ` is left out.
WHAT is `query TYPE NAME`, with `CD` behind it when checking is disabled,
`answer TYPE NAME RCODE|empty|truncated|= RECORDS`, a TCP mark (`again` for a repetition, `ttl=N`),
or the name of an event class with `field=value`; `from` and `to` stand for the domain fields, `key=…` for a
dialback key, which is hashed as the reader does. Dates are written 2013-09-06.
`covers FIRST LAST` says from when to when the tap was recording; without it, one second before to 120 s after.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shlex
import tempfile
import typing
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from analyzer.correlator import correlate
from analyzer.view import CaseView
from parsers import events as vocabulary
from parsers import ingest
from parsers.events import EVENT_TYPES, DnsAnswer, DnsQuery, DnsRecord, Event, Flow, StreamHeader, TcpMark, Where
from parsers.names import domain
from parsers.source import How, Reading, Source

BEGIN_NS = int(datetime(2013, 9, 6, 9, 14, tzinfo=UTC).timestamp()) * 10**9
SECOND = 10**9
KINDS = {kind.__name__: kind for kind in EVENT_TYPES}
RCODES = {"NXDOMAIN": 3, "SERVFAIL": 2, "REFUSED": 5, "NOTIMP": 4, "FORMERR": 1, "empty": 0, "truncated": 0}
MARKS = ("syn", "syn-ack", "ack", "fin", "rst")
_LEFT_OUT: dict[type[Event], dict[str, object]] = {
    StreamHeader: {
        "from_domain": None,
        "to_domain": None,
        "id": None,
        "version": "1.0",
        "namespace": "jabber:server",
        "dialback_declared": True,
    },
    vocabulary.StreamFeatures: {"starttls": "absent", "sasl": (), "dialback": True},
    vocabulary.StreamError: {"condition": "undefined-condition", "text": ""},
    vocabulary.Stanza: {"name": "message", "type": None, "from_domain": None, "to_domain": None},
    vocabulary.Dialback: {"word": "result", "verdict": None, "from_domain": None, "to_domain": None},
    vocabulary.TlsCertificate: {
        "position": 0,
        "subject": "CN=example",
        "issuer": "CN=CA",
        "names": (),
        "not_before_ns": BEGIN_NS - 86400 * SECOND,
        "not_after_ns": BEGIN_NS + 86400 * SECOND,
        "sha256": "00" * 32,
    },
    vocabulary.TlsHello: {"side": "client", "version": "TLS 1.2"},
    vocabulary.TlsData: {"bytes_len": 100},
    vocabulary.TlsAlert: {"level": "fatal"},
    vocabulary.Unreachable: {"code": "host", "reporter_ip": "192.0.2.1"},
    vocabulary.Tally: {"bytes_len": 0, "segments": 0, "retransmitted": 0, "unacknowledged_len": 0, "stanzas": 0},
    vocabulary.NotXmpp: {"protocol": "text", "text": ""},
    vocabulary.Probe: {"tool": "telnet", "target": "", "port": 5269, "outcome": "open"},
    vocabulary.Damage: {"what": "cut", "lost": 1, "unit": "bytes"},
}


@dataclasses.dataclass(slots=True)
class Tap:
    """The events of one scene, and what it covered."""

    name: str
    events: list[Event]
    reading: Reading
    format: str = "scene"


def tap(name: str, text: str) -> Tap:
    """The scene told by `text`, as if a capture called `name` had seen it."""
    events: list[Event] = []
    covers: tuple[int, int] | None = None
    flow: Flow | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        words = shlex.split(re.sub(r"(^|\s)#\s.*", "", line))
        if not words:
            continue
        if words[0] == "covers":
            covers = (_instant(words[1]), _instant(words[2]))
            continue
        at_ns, words = _instant(words[0]), words[1:]
        if words[0] in ("same", "back"):
            assert flow is not None, f"line {number}: nothing before it"
            flow = flow if words[0] == "same" else flow.reverse
            words = words[1:]
        else:
            assert words[1] == ">", f"line {number}: SENDER > RECEIVER expected"
            flow, words = _flow(words[0], words[2], words[3]), words[3:]
        where = Where(source=name, frame=number)
        events.append(_event(words, at_ns=at_ns, width_ns=1000, where=where, flow=flow))
    events.sort(key=vocabulary.river_key)
    first, last = covers or (events[0].at_ns - SECOND, events[-1].at_ns + 120 * SECOND)
    return Tap(name, events, Reading(frames=len(events), first_ns=first, last_ns=last))


def log(name: str, form: str, text: str, **told: typing.Any) -> Tap:
    """What the format of that name makes of a text, as if a file called `name` held it.

    `told` are fields of `How`; a clock that leaves out year or date is near to the scene's own beginning.
    """
    how = How(**{"near_ns": BEGIN_NS, "near_why": "the scene's", **told})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_text(text, encoding="utf-8")
        reading = Reading(size_bytes=path.stat().st_size)
        events = list(ingest.read(Source(name=name, path=path, format=form), how, reading))
    return Tap(name, events, reading, form)


def case(*taps: Tap, local: Sequence[str] = ()) -> CaseView:
    """The case that the taps make together."""
    return correlate(
        {t.name: sorted(t.events, key=vocabulary.river_key) for t in taps},
        [Source(name=t.name, path=Path(t.name), format=t.format) for t in taps],
        {t.name: t.reading for t in taps},
        local_domains=local,
    )


def _instant(seconds: str) -> int:
    whole, _, rest = seconds.partition(".")
    return BEGIN_NS + int(whole) * SECOND + int(rest.ljust(9, "0") or 0)


def _end(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), int(port)


def _flow(sender: str, receiver: str, what: str) -> Flow:
    (src_ip, src_port), (dst_ip, dst_port) = _end(sender), _end(receiver)
    proto = "udp" if what in ("query", "answer") else "tcp"
    return Flow(src_ip=src_ip, src_port=src_port, dst_ip=dst_ip, dst_port=dst_port, proto=proto)


def _event(words: list[str], **common: typing.Any) -> Event:
    what, rest = words[0], words[1:]
    if what in MARKS:
        named = dict(word.partition("=")[::2] for word in rest if "=" in word)
        ttl = int(named["ttl"]) if "ttl" in named else None
        return TcpMark(mark=what, repeat="again" in rest, ttl=ttl, **common)
    if what == "query":
        txid, unchecked = _txid(rest), "CD" in rest[2:]
        return DnsQuery(txid=txid, name=domain(rest[1]), rrtype=rest[0], checking_disabled=unchecked, **common)
    if what == "answer":
        return _answer(rest, **common)
    kind = KINDS[what]
    hints = typing.get_type_hints(kind)
    fields = dict(_LEFT_OUT.get(kind, {}))
    for word in rest:
        name, _, value = word.partition("=")
        if name == "key":
            fields["key_digest"] = hashlib.sha256(value.encode()).hexdigest()[:12]
            continue
        name = {"from": "from_domain", "to": "to_domain"}.get(name, name)
        assert name in hints, f"{what} has no field {name}"
        fields[name] = _value(value, str(hints[name]), name)
    return kind(**common, **fields)


def _value(text: str, hint: str, name: str) -> object:
    if text == "-":
        return None
    if name.endswith("_ns") and "-" in text:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND
    if "tuple" in hint:
        return tuple(text.split(",")) if text else ()
    if "bool" in hint:
        return text == "yes"
    if "int" in hint and "Flow" not in hint:
        return int(text)
    if "Topic" in hint:
        return vocabulary.Topic(text)
    return text


def _txid(rest: list[str]) -> int:
    return next((int(word[1:]) for word in rest if word.startswith("#")), 1)


def _answer(rest: list[str], **common: typing.Any) -> DnsAnswer:
    rrtype, name = rest[0], domain(rest[1])
    told = [word for word in rest[2:] if not word.startswith("#")]
    rcode, records = 0, []
    if told and told[0] == "=":
        answer, _, additional = " ".join(told[1:]).partition(" + ")
        records = [_record(name, rrtype, part.split(), "answer") for part in answer.split(", ")]
        records += [_additional(part.split()) for part in additional.split(", ") if part]
    else:
        rcode = RCODES[told[0]]
    return DnsAnswer(
        txid=_txid(rest),
        name=name,
        rrtype=rrtype,
        rcode=rcode,
        authoritative=False,
        truncated=told[0] == "truncated",
        answers=tuple(records),
        **common,
    )


def _record(name: str, rrtype: str, words: list[str], section: typing.Any) -> DnsRecord:
    """`5 0 5269 host` for SRV, `CNAME host` for an alias, `OWNER ADDRESS` behind an alias, else the address."""
    if words[0] == "CNAME":
        return DnsRecord(name=name, rrtype="CNAME", ttl_s=300, data=domain(words[1]), section=section)
    if rrtype == "SRV":
        priority, weight, port = (int(word) for word in words[:3])
        target = domain(words[3])
        return DnsRecord(
            name=name,
            rrtype="SRV",
            ttl_s=300,
            data=target,
            priority=priority,
            weight=weight,
            port=port,
            section=section,
        )
    owner = domain(words[0]) if len(words) == 2 else name
    return DnsRecord(name=owner, rrtype=rrtype, ttl_s=300, data=words[-1], section=section)


def _additional(words: list[str]) -> DnsRecord:
    rrtype = "AAAA" if ":" in words[1] else "A"
    return DnsRecord(name=domain(words[0]), rrtype=rrtype, ttl_s=300, data=words[1], section="additional")
