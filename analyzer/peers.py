"""Which product each side is, by marks that do not depend on each other, and what follows from it.

Fingerprints are data. One mark is a guess and said so; two make a name, if one of them is more than inference.
What each side showed of its policy stands beside it. Knows no rule and no layout.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from analyzer.claims import belongs_to
from analyzer.clouds import GOOGLE, WEBEX
from analyzer.connection import Connection
from analyzer.view import CaseView
from parsers.events import Dialback, Event, StreamFeatures, StreamHeader, TlsCertificate

Kind = Literal["stream id", "dialback key", "stream header", "stream features", "certificate", "DNS", "log"]
"""Where a mark shows: marks of one kind depend on each other."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a side showed of itself."""

    kind: Kind
    """Where."""
    word: str
    """What, as fingerprints spell it."""
    event: Event | None
    """Where it is seen first; None for the kind of a whole log."""
    source: str
    """The input that shows it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one product shows."""

    kind: Kind
    """Where."""
    word: str
    """What."""
    inferred: bool = False
    """Nobody published it: it follows from a common code base, or from memory."""


@dataclass(frozen=True, slots=True)
class Product:
    """A server, how it is known, and what is known of it."""

    name: str
    """As people call it."""
    marks: tuple[Mark, ...]
    """Its fingerprints."""
    expect: tuple[str, ...] = ()
    """What a peer of it meets, and what to do about it; one sentence each."""
    set_up: bool = False
    """Its marks are how its maker has it set up, which others may do as well: an id or a log of another goes before."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a side showed of its policy, as the one that is asked to let somebody in."""

    version: str | None
    """Attribute `version` of its stream header; "" for none, None where no header was seen."""
    starttls: str | None
    """"absent", "offered" or "required"; None where its features were not seen."""
    sasl: tuple[str, ...] | None
    """Mechanisms it offered, before TLS or under it."""
    dialback: bool | None
    """Whether it offered or used dialback."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One domain's server."""

    domain: str
    """The domain."""
    local: bool
    """It is on our side."""
    product: Product | None
    """What it is; None where the marks do not name one."""
    perhaps: tuple[Product, ...]
    """What it might be, by too few marks."""
    marks: tuple[tuple[Mark, Seen], ...]
    """By what."""
    policy: Policy
    """What it showed of its policy."""


_XCP_SAYS = (
    "It makes dialback keys from a secret of its cluster: all nodes need the same one.",
    "It waits 30 seconds for a dialback answer, and then gives the attempt up.",
)
PRODUCTS = (
    Product(
        "Cisco XCP (CUPS, IM and Presence, Expressway)",
        (
            Mark("stream id", "9 upper hex"),
            Mark("dialback key", "40 hex"),
            Mark("log", "cisco_xcp"),
            Mark("log", "expressway"),
            Mark("log", "cisco_sip_proxy"),
        ),
        _XCP_SAYS,
    ),
    Product(
        "Google Talk",
        (
            Mark("stream header", "no version"),
            Mark("DNS", "Google"),
            Mark("stream id", "16 upper hex", inferred=True),
            Mark("dialback key", "other", inferred=True),
        ),
        (
            "It speaks streams from before version 1.0, without features and without TLS: whoever requires TLS of it "
            "is never let in. Federate with it by TCP and dialback, or not at all.",
            "It has ended federation for good; only captures from before show it answering.",
        ),
    ),
    Product(
        "WebEx Connect",
        (
            Mark("DNS", "WebEx"),
            Mark("stream id", "9 upper hex", inferred=True),
            Mark("dialback key", "40 hex", inferred=True),
        ),
        ("It offers TLS and does not require it, and asks for no certificate of the client: TLS optional fits it.",),
    ),
    Product(
        "IBM Sametime Gateway",
        (
            Mark("stream features", "STARTTLS required, EXTERNAL", inferred=True),
            Mark("DNS", "first SRV record only", inferred=True),
        ),
        (
            "It tries the first SRV record only, and no other when that fails: put the working node first.",
            "With TLS it wants SASL EXTERNAL as well: set both to required, and exchange the certificates' roots.",
        ),
    ),
    Product(
        "Prosody",
        (
            Mark("stream id", "UUID"),
            Mark("dialback key", "64 hex"),
            Mark("stream features", "dialback without errors"),
            Mark("log", "prosody"),
        ),
    ),
    Product(
        "Metronome",
        (Mark("stream id", "UUID"), Mark("dialback key", "64 hex"), Mark("log", "metronome")),
    ),
    Product(
        "ejabberd",
        (
            Mark("stream id", "decimal digits"),
            Mark("dialback key", "64 hex"),
            Mark("stream features", "dialback with errors"),
            Mark("log", "ejabberd"),
        ),
        ("It remembers a failed attempt and bounces what follows for some minutes, without trying again.",),
    ),
    Product(
        "Openfire",
        (
            Mark("stream id", "10 base 36"),
            Mark("dialback key", "40 hex", inferred=True),
            Mark("stream features", "dialback with errors"),
            Mark("log", "openfire"),
        ),
    ),
    Product(
        "jabberd2",
        (Mark("stream id", "40 lower alphanumerics"), Mark("dialback key", "40 hex"), Mark("log", "jabberd2")),
    ),
    Product(
        "Lync Server (XMPP proxy of its Edge)",
        (
            Mark("certificate", "the domain and its sip."),
            Mark("DNS", "host of SIP federation", inferred=True),
        ),
        (
            "It takes SASL only under TLS; where its settings for a partner require both, it does without dialback.",
            "It closes a stream on which nothing was said for ten minutes, unless it is set otherwise.",
        ),
        set_up=True,
    ),
    Product("Tigase", (Mark("log", "tigase"), Mark("stream id", "UUID", inferred=True))),
)
"""Fingerprints, from captures and logs of each. What a Lync Server writes is published nowhere, only how it is set up:
its Edge's certificate names `sip.` and the domain (Microsoft JJ618374), and the XMPP record leads to the Access Edge
(JJ618368), as that of `_sipfederationtls` does. The gateway of OCS 2007 R2 is a host of its own, with neither mark
(FF394138): it is not named."""

_ID_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9A-F]{9}"), "9 upper hex"),
    (re.compile(r"[0-9A-F]{16}"), "16 upper hex"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{17,20}"), "decimal digits"),
    (re.compile(r"(?=.*[g-z])[0-9a-z]{8,10}"), "10 base 36"),
    (re.compile(r"(?=.*[g-z])[0-9a-z]{40}"), "40 lower alphanumerics"),
)
_MARKED = tuple((p, frozenset((m.kind, m.word) for m in p.marks)) for p in PRODUCTS)
"""Each product and its marks as they are seen: most products leave none at most domains."""
_LOGS = frozenset(m.word for p in PRODUCTS for m in p.marks if m.kind == "log")
_STARTTLS = ("absent", "offered", "required")


def peers(case: CaseView) -> tuple[Peer, ...]:
    """Every domain that takes part in a session, ours first."""
    names = dict.fromkeys(name for s in case.sessions for name in (s.initiator, s.receiver))
    seen: dict[str, dict[tuple[Kind, str], Seen]] = {name: {} for name in names}

    def add(domain: str | None, kind: Kind, word: str, event: Event | None, source: str) -> None:
        if domain in seen:
            seen[domain].setdefault((kind, word), Seen(kind, word, event, source))

    formats = {s.name: s.format for s in case.sources}
    for connection in case.connections:
        for domain, kind, word, event in _shown(connection):
            add(domain, kind, word, event, event.where.source)
        for thread in connection.told:
            form = formats.get(thread.tap)
            if form in _LOGS:
                add(thread.teller, "log", str(form), None, thread.tap)
    for domain in names:
        for answer in _sip_hosts(case, domain):
            add(domain, "DNS", "host of SIP federation", answer, answer.where.source)
        for lookup in case.lookups_of(domain, ("_xmpp-server",)):
            targets = [r.data for r in lookup.srv]
            for cloud in (GOOGLE, WEBEX):
                if targets and lookup.answer is not None and all(belongs_to(t, cloud.zones) for t in targets):
                    add(domain, "DNS", cloud.name, lookup.answer, lookup.answer.where.source)
    policies = _policies(case)
    found = [_peer(name, case.is_local(name), tuple(seen[name].values()), policies[name]) for name in names]
    return tuple(sorted(found, key=lambda p: (not p.local, p.domain)))


def _shown(connection: Connection) -> Iterator[tuple[str | None, Kind, str, Event]]:
    """What the two sides of a conversation show of themselves: whose, what kind, what, where."""
    for event in connection.of(StreamHeader, "<"):
        if not event.id:
            continue
        for pattern, form in _ID_FORMS:
            if pattern.fullmatch(event.id):
                yield connection.receiver, "stream id", form, event
                break
        if event.version is None:
            yield connection.receiver, "stream header", "no version", event
    for sent, domain in ((">", connection.initiator), ("<", connection.receiver)):
        for key in connection.of(Dialback, sent):
            if key.word == "result" and key.verdict is None and key.key_form:
                yield domain, "dialback key", key.key_form, key
    for features in connection.of(StreamFeatures, "<"):
        if features.dialback:
            word = "dialback with errors" if features.dialback_errors else "dialback without errors"
            yield connection.receiver, "stream features", word, features
        if features.starttls == "required" and "EXTERNAL" in features.sasl:
            yield connection.receiver, "stream features", "STARTTLS required, EXTERNAL", features
    for shown in connection.of(TlsCertificate, "<"):
        if shown.position == 0 and {connection.receiver, f"sip.{connection.receiver}"} <= {*shown.names}:
            yield connection.receiver, "certificate", "the domain and its sip.", shown


def _sip_hosts(case: CaseView, domain: str) -> Iterator[Event]:
    """Answers that name for SIP federation the host, or the address, to which the domain's XMPP record leads."""
    targets: frozenset[str] | set[str] = frozenset()
    looked_at = set()
    for lookup in case.lookups_of(domain, ("_sipfederationtls",)):
        hosts = frozenset(r.data for r in lookup.srv)
        if lookup.answer is None or hosts in looked_at:
            continue
        looked_at.add(hosts)
        targets = targets or {r.data for k in case.lookups_of(domain) for r in k.srv} | case.published(domain)
        if targets & (hosts | {address for host in hosts for k in case.asking(host) for address in k.addresses}):
            yield lookup.answer


def _peer(domain: str, local: bool, seen: tuple[Seen, ...], policy: Policy) -> Peer:
    """The one product that most marks name; nobody where two are named alike, or by too little."""
    matching = []
    shown = {(s.kind, s.word): s for s in seen}
    for product, words in _MARKED:
        if words.isdisjoint(shown):
            continue
        marks = tuple((m, s) for m in product.marks if (s := shown.get((m.kind, m.word))) is not None)
        # What contradicts: of a kind that the product has marks of, only others were seen.
        known = {m.kind for m in product.marks if not m.inferred}
        against = {s.kind for s in seen if s.kind in known} - {m.kind for m, _ in marks}
        if product.set_up:
            against |= {s.kind for s in seen if s.kind in ("stream id", "log")}
        if not against:
            matching.append((len({m.kind for m, _ in marks}), not all(m.inferred for m, _ in marks), product, marks))
    best = max((count for count, *_ in matching), default=0)
    top = [(sure, product, marks) for count, sure, product, marks in matching if count == best]
    firm = [found for found in top if found[0]]
    if best >= 2 and len(firm) == 1:
        _, product, marks = firm[0]
        return Peer(domain, local, product, (), marks, policy)
    # A guess by half of all servers is none.
    guesses = tuple(product for _, product, _ in top) if len(top) <= 3 else ()
    marks = tuple(dict.fromkeys(pair for _, _, held in top for pair in held)) if guesses else ()
    return Peer(domain, local, None, guesses, marks, policy)


def _policies(case: CaseView) -> Mapping[str, Policy]:
    """What each domain showed of its policy, over all its streams: the strictest it ever said."""
    versions: dict[str, set[str]] = defaultdict(set)
    starttls: dict[str, set[str]] = defaultdict(set)
    sasl: dict[str, dict[str, None]] = {}
    dialback: dict[str, set[bool]] = defaultdict(set)
    for connection in case.connections:
        name = connection.receiver
        if name is None:
            continue
        for header in connection.of(StreamHeader, "<"):
            versions[name].add(header.version or "")
        secured = False
        for features in connection.of(StreamFeatures, "<"):
            if not secured:
                starttls[name].add(features.starttls)
            secured = secured or features.starttls != "absent"
            sasl.setdefault(name, {}).update(dict.fromkeys(features.sasl))
            dialback[name].add(features.dialback)
        for key in connection.of(Dialback, "<"):
            dialback[name].add(key.condition is None)
    return {
        name: Policy(
            version=max(versions[name]) if versions.get(name) else None,
            starttls=max(starttls[name], key=_STARTTLS.index) if starttls.get(name) else None,
            sasl=tuple(sasl[name]) if name in sasl else None,
            dialback=any(dialback[name]) if dialback.get(name) else None,
        )
        for name in dict.fromkeys(n for s in case.sessions for n in (s.initiator, s.receiver))
    }


def clash(ours: Policy, theirs: Policy) -> Iterator[str]:
    """Where what one side showed does not go with what the other did."""
    sides: tuple[tuple[Policy, Policy, str, str], ...] = ((ours, theirs, "we", "they"), (theirs, ours, "they", "we"))
    for one, other, first, second in sides:
        if one.starttls == "required" and (other.starttls == "absent" or other.version == ""):
            yield f"{first} require TLS and {second} have none"
        if one.dialback is False and other.sasl is not None and "EXTERNAL" not in other.sasl:
            yield f"{first} do without dialback and {second} offer no SASL EXTERNAL"
