"""Who else claims to be our domain: dialback keys that our server did not make (XEP-0220 sections 2.1.2 and 2.2.2).

A receiving server asks the server that DNS names for a domain whether a key is its own. If that server sent no such
key, somebody else did in its name. Knows keys, streams and taps; what the claimant is, the rules say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.addresses import is_private
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.session import DialbackKey
from analyzer.stage import End, end_text, is_told
from analyzer.view import CaseView
from parsers.events import Dialback

BEFORE_NS = 30 * 10**9
"""Cisco XCP gives a key up after 30 s (its log says so): a capture that ran so long before would have shown our own.
Prosody waits 90 s; a key may be older there,
which is one reason why a claim seen at one place is never proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A key in the name of one of our domains, which our server is asked about and did not make."""

    key: DialbackKey
    """The key."""
    verify: Dialback
    """The question to our server."""
    disowned: Dialback | None
    """Our server's answer that the key is invalid; None where it gave no such answer."""
    callback: Connection
    """The connection that carried the question."""
    claimant: Connection | None
    """The claimant's own connection, where a tap saw it."""
    apart: tuple[str, ...]
    """Taps past which all conversations of our network lead, that saw the question and never the claimant."""
    since_ns: int
    """How long before the question the capture at our server ran, ns."""
    vouched: bool
    """Our server said of another key for the same peer that it is valid: its secret is in order."""
    hidden: str | None
    """What could hide that our server sent the key after all; None when nothing could."""

    @property
    def watched(self) -> bool:
        """The capture ran long enough before the question to have shown our own key."""
        return self.since_ns >= BEFORE_NS

    @property
    def end(self) -> End | None:
        """The claimant's end as the receiver sees it."""
        return None if self.claimant is None else _caller(self.claimant)

    @property
    def address(self) -> str | None:
        """The claimant's address as the receiver sees it."""
        return None if self.end is None else self.end[0]


def claim_on(key: DialbackKey, case: CaseView) -> Claim | None:
    """The claim that a key makes; None when it is our own, or nobody asked our server about it."""
    verify, callback = key.verify, case.connection(key.verified_on)
    if verify is None or callback is None or key.step_into("VOUCHED") or key.step_into("ACCEPTED"):
        return None
    if case.local_domains and not case.is_local(key.sender_domain):
        return None
    claimant = case.connection(key.asked_on) if key.request is not None else None
    disowned = key.verify_answer if key.step_into("DISOWNED") else None
    if claimant is not None and (disowned is None or not _is_stranger(claimant, callback, key, case)):
        return None
    if claimant is None and (_own_stream(key, case) or _own_key(key, verify, case)):
        return None
    ran = [verify.at_ns - c.first_ns for t in callback.vantages if (c := case.coverage.get(t)) and not c.damaged]
    return Claim(
        key=key,
        verify=verify,
        disowned=disowned,
        callback=callback,
        claimant=claimant,
        apart=() if claimant is None else _apart(claimant, callback, case),
        since_ns=max(ran, default=0),
        vouched=(key.sender_domain, key.target_domain) in _vouched(case),
        hidden=None if claimant is not None else _hidden(key, verify, case),
    )


def names_at(address: str, case: CaseView) -> tuple[str, ...]:
    """Host names and domains that DNS gave for an address, or that spoke from it, in order."""
    return tuple(sorted(_names(case).get(address, ())))


@once
def _names(case: CaseView) -> Mapping[str, set[str]]:
    """The names of every address."""
    found: dict[str, set[str]] = {}
    for lookup in case.lookups:
        for record in lookup.records:
            if record.rrtype in ("A", "AAAA"):
                found.setdefault(record.data, set()).add(record.name)
    for domain, addresses in case.hosts.items():
        for address in addresses:
            found.setdefault(address, set()).add(domain)
    return found


@once
def _vouched(case: CaseView) -> set[tuple[str, str]]:
    """Of whose keys, and to whom, our server said once that they are its own."""
    return {(d.sender_domain, d.target_domain) for d in case.dialbacks if d.step_into("VOUCHED")}


def belongs_to(name: str, zones: tuple[str, ...]) -> bool:
    """Whether a name is one of these zones or lies in it."""
    return any(name == zone or name.endswith(f".{zone}") for zone in zones)


def _is_stranger(claimant: Connection, callback: Connection, key: DialbackKey, case: CaseView) -> bool:
    """Whether the claimant is no host of ours: not published, not inside, not the host that was asked."""
    ends = {s.client[0] for s in claimant.sightings if is_told(s.client[0])}
    ends |= {other for end in tuple(ends) for other in case.nat.get(end, ())}
    ours = case.published(key.sender_domain) | {s.server[0] for s in callback.sightings}
    return bool(ends) and not (ends & ours) and not any(map(is_private, ends))


def _caller(connection: Connection) -> End | None:
    """Who opened a connection, as the first place that tells an address shows it."""
    return next((s.client for s in connection.sightings if is_told(s.client[0])), None)


def _apart(claimant: Connection, callback: Connection, case: CaseView) -> tuple[str, ...]:
    """Links that saw the question come in, recorded on while the claimant spoke, and never saw it."""
    return tuple(
        sorted(
            tap
            for tap in callback.vantages - claimant.vantages
            if (coverage := case.coverage.get(tap)) is not None
            and not coverage.damaged
            and not coverage.home
            and coverage.covers(claimant.began_ns, claimant.ended_ns)
        )
    )


@once
def _own_streams(case: CaseView, domain: str, peer: str) -> tuple[Connection, ...]:
    """Connections of the domain to the peer that asks."""
    return tuple(c for s in case.between(domain, peer) for c in s.connections)


def _own_stream(key: DialbackKey, case: CaseView) -> bool:
    """Whether the key was made for a stream that was seen: it is its key then, though its own element was not seen."""
    return key.stream_id in _own_ids(case, key.sender_domain, key.target_domain)


@once
def _own_ids(case: CaseView, domain: str, peer: str) -> set[str | None]:
    """The ids of these streams."""
    return {id for c in _own_streams(case, domain, peer) for id in c.stream_ids}


def _own_key(key: DialbackKey, verify: Dialback, case: CaseView) -> bool:
    """Whether the very key was sent on a stream that was seen, under another id: it is ours, asked about wrongly."""
    return verify.key_digest is not None and (key.sender_domain, key.target_domain, verify.key_digest) in _sent(case)


@once
def _sent(case: CaseView) -> set[tuple[str, str, str | None]]:
    """The keys that were sent: whose, to whom, and which."""
    return {(d.sender_domain, d.target_domain, d.request.key_digest) for d in case.dialbacks if d.request is not None}


@once
def _hidden_streams(case: CaseView, domain: str, peer: str) -> tuple[Connection, ...]:
    """Those of its streams that went on in ciphertext."""
    return tuple(c for c in _own_streams(case, domain, peer) if c.ciphertext is not None)


def _hidden(key: DialbackKey, verify: Dialback, case: CaseView) -> str | None:
    """The stream of ours to that peer which went on in ciphertext, and in which the key could have been sent."""
    for connection in _hidden_streams(case, key.sender_domain, key.target_domain):
        record = connection.ciphertext
        if record is not None and record.at_ns <= verify.at_ns:
            return (
                f"{record.where.source} is ciphertext after frame {record.where.frame}: the key could have been sent "
                f"on the stream to {end_text(connection.server)}"
            )
    return None
