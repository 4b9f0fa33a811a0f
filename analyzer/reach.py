"""The ways to our server and out to its peers: what connections tell of the guide's steps about TCP and the service.

Each function answers one step of the checklist. Knows nothing of public DNS, of dialback keys or of settings.
"""

from __future__ import annotations

from bisect import bisect_left

from analyzer.addresses import is_private
from analyzer.connection import Connection
from analyzer.judge import Judgement
from analyzer.once import once
from analyzer.resolution import Resolution
from analyzer.session import Session
from analyzer.signs import (
    Sign,
    by_rules,
    causes,
    client,
    handshake,
    inbound,
    is_at_ours,
    is_from_outside,
    is_seen_inside,
    tcp,
    together,
)
from analyzer.stage import end_text
from analyzer.view import CaseView

TRANSLATION_RULES = ("network-inbound-no-nat", "network-nat-wrong-target", "network-asa-self-terminated")
"""Rules that say that the firewall does not lead port 5269 to our server."""
SERVICE_RULES = ("stream-open-but-silent",)
"""Rules that say that a service does not run although its port is open."""


def translated(case: CaseView, judgement: Judgement) -> Sign:
    """The firewall leads port 5269 of a public address to our server."""
    came = [c for c in inbound(case) if c.accepted and is_at_ours(case, c) and is_from_outside(case, c)]
    return together(
        [*by_rules(causes(case, judgement), TRANSLATION_RULES), *(_translation(case, c) for c in came)],
        "no connection from outside came through to our server: `show xlate` of the firewall, or captures on both "
        "sides of it during a telnet from outside, would show",
    )


def _translation(case: CaseView, connection: Connection) -> Sign:
    """How one inbound connection that our server accepted came to it."""
    servers = {s.server for s in connection.sightings}
    private = sorted(end_text(e) for e in servers if is_private(e[0]))
    public = sorted(end_text(e) for e in servers if not is_private(e[0]))
    events = handshake(connection)
    if private and public:
        return Sign("pass", private[0], f"{public[0]} is translated to {private[0]}", events)
    if private and not any(is_private(s.client[0]) for s in connection.sightings):
        return Sign("pass", private[0], f"connections from outside arrive translated to {private[0]}", events)
    if private:
        says = f"{client(connection)} came to {private[0]} from an inside address: nothing is translated"
        return Sign("not-observed", private[0], says, events)
    if any(case.at_home(s.tap, s.server[0]) for s in connection.sightings):
        return Sign("not-applicable", public[0], f"our server has the public address of {public[0]} itself", events)
    return Sign("pass", public[0], f"our server answers at {public[0]}", events)


def service_runs(case: CaseView, judgement: Judgement) -> Sign:
    """Our server speaks XMPP, and does not refuse on its port; the last thing seen of each host counts."""
    signs: dict[str, Sign] = {}
    disowned = {k.asked_on for k in case.dialbacks if k.step_into("DISOWNED")}
    for connection in case.connections:
        host, header = connection.client[0], connection.client_header
        if connection.id in disowned:
            continue  # perhaps another's, in our name
        if host in case.local_addresses and header is not None and case.is_local(connection.initiator):
            signs[host] = Sign("pass", host, f"{host} opens streams as {header.from_domain or 'our server'}", (header,))
    for connection in inbound(case):
        # A reset that is seen outside only may come from the firewall.
        heard = is_seen_inside(case, connection) or (is_at_ours(case, connection) and connection.accepted)
        if heard and (sign := _served(connection)):
            signs[sign.about] = sign
    about_us = (f for f in causes(case, judgement) if case.is_local(f.session.receiver))
    return together(
        [*by_rules(about_us, SERVICE_RULES), *signs.values()],
        "our server was neither seen speaking XMPP nor refusing it: a telnet from inside to its port 5269, captured, "
        "would show",
    )


def _served(connection: Connection) -> Sign | None:
    """What one connection to our server tells of the service; None when a SYN-ACK is all that came."""
    host, port = connection.server
    if connection.server_header is not None:
        return Sign("pass", host, f"{host} answers with a stream header", (connection.server_header,))
    if connection.not_xmpp is not None:
        return Sign("fail", host, f"{host} port {port} speaks {connection.not_xmpp.protocol}", (connection.not_xmpp,))
    if connection.refused:
        return Sign("fail", host, f"{host} refuses connections to port {port}", handshake(connection))
    stream = next((thread for thread in connection.told if thread.stands), None)
    if stream is not None:
        return Sign("pass", host, f"a log tells of a stream to {end_text((host, port))}", stream.events[:1])
    return None


def comes_in(case: CaseView, judgement: Judgement) -> Sign:
    """From outside, TCP 5269 reaches our server; the last attempt of each peer at each address counts."""
    last = {(client(c), c.server): c for c in inbound(case) if is_from_outside(case, c)}
    return together(
        (_came_in(case, c) for c in last.values()),
        "no connection from outside was captured: telnet from outside to the public address on 5269, with a capture "
        "at the server or outside the firewall, would show",
    )


def _came_in(case: CaseView, connection: Connection) -> Sign:
    """How one attempt from outside ended."""
    sign = tcp(case, connection)
    missing = case.missing_at(connection)
    if sign.state == "fail" and connection.unanswered and missing:
        says = (
            f"the SYN of {client(connection)} to {end_text(connection.server)} was seen in "
            f"{', '.join(sorted(connection.vantages))} and never in {', '.join(c.tap for c in missing)}"
        )
        return Sign("fail", sign.about, says, sign.events)
    if sign.state == "fail" and is_seen_inside(case, connection):
        return Sign("fail", sign.about, f"{sign.says}, although it had come in", sign.events)
    if sign.state == "pass" and not is_at_ours(case, connection):
        return Sign("not-observed", sign.about, f"{sign.says}, but perhaps not by our server", sign.events)
    return sign


def answers_inside(case: CaseView, judgement: Judgement) -> Sign:
    """Inside, our server answers on its port; the last attempt at each of its addresses counts."""
    last = {c.server: c for c in inbound(case) if is_seen_inside(case, c) and not (c.unanswered and case.missing_at(c))}
    unseen = (
        "no connection to our server was captured inside: telnet from inside to its 5269, captured there, would show"
    )
    return together((tcp(case, c) for c in last.values()), unseen)


def goes_out(case: CaseView, judgement: Judgement) -> Sign:
    """Our server finds its peers in DNS and reaches them; the last attempt to each peer counts (trouble-2)."""
    last: dict[tuple[str, str | None], Sign] = {}
    for session in case.sessions:
        there = next((r for r in session.resolutions if not r.calls_back), None)
        back = next((r for r in session.resolutions if r.calls_back), None)
        if session.direction == "outbound" and (there or session.connections):
            sign = _went_out(case, session.receiver, there or _asked_before(case, session), session.connections)
            # A lookup that no connection followed, an open stream being at hand, takes nothing back.
            if sign.state != "not-observed" or (session.receiver, session.host) not in last:
                last[(session.receiver, session.host)] = sign
        elif session.direction == "inbound" and (back or session.callbacks):
            # To verify a peer's key our server calls it back: that is a way out as well.
            last[(session.initiator, None)] = _went_out(case, session.initiator, back, session.callbacks)
    for connection in case.connections:
        # A telnet by hand belongs to no session.
        peer, address = connection.receiver, connection.client[0]
        ours_or_unknown = connection.initiator is None or case.is_local(connection.initiator)
        from_here = address in case.local_addresses or (ours_or_unknown and is_private(address))
        if connection.role == "probe" and from_here and peer is not None and not case.is_local(peer):
            last[(peer, address)] = _went_out(case, peer, None, (connection,))
    unseen = "no attempt to reach a peer was captured: a capture at our server while a contact is added would show one"
    return together(last.values(), unseen)


def _asked_before(case: CaseView, session: Session) -> Resolution | None:
    """What the same host had asked about the peer, where a session itself asked nothing: the answer was at hand."""
    knowing = _knowing(case, session.initiator, session.receiver)
    last = bisect_left(knowing, session.began_ns, key=lambda k: k[0])
    return next((found for _, host, found in reversed(knowing[:last]) if host == session.host), None)


@once
def _knowing(case: CaseView, initiator: str, receiver: str) -> list[tuple[int, str | None, Resolution]]:
    """Attempts of a pair that asked DNS themselves and were told hosts: when, which of our hosts, and what it was."""
    found = []
    for session in case.between(initiator, receiver):
        own = next((r for r in session.resolutions if not r.calls_back), None)
        if own is None:
            continue
        asked = (k for k in own.srv_lookups if k.domain == receiver and any(r.data != "." for r in k.srv))
        first = next(asked, None)
        if first is not None:
            found.append((first.asked_ns, session.host, own))
    return sorted(found, key=lambda k: k[0])


def _went_out(case: CaseView, peer: str, found: Resolution | None, tried: tuple[Connection, ...]) -> Sign:
    """How one attempt to reach a peer ended."""
    looked = None if found is None else _looked_up(peer, found)
    accepted = next((c for c in tried if c.accepted), None)
    signs = [tcp(case, c) for c in tried]
    failed = next((s for s in signs if s.state == "fail"), None)
    if looked is not None and looked.state != "pass":
        # What DNS said may be untold, and yet the connections that followed were refused.
        if looked.state == "not-observed" and accepted is None and failed is not None:
            return Sign("fail", peer, f"{peer}: {failed.says}", failed.events)
        return looked
    if accepted is not None:
        if not accepted.captured:
            says = f"{peer}: a log tells of a stream that our server opened to it"
            return Sign("pass", peer, says, handshake(accepted) + (looked.events if looked else ()))
        how = "its SRV record was answered" if looked else "without a lookup in what was captured"
        says = f"{peer}: {how}, and {end_text(accepted.server)} accepted the connection (TCP only)"
        return Sign("pass", peer, says, (looked.events if looked else ()) + handshake(accepted))
    events = looked.events if looked else ()
    if not tried:
        return Sign("not-observed", peer, f"{peer}: its SRV record was answered, but no connection followed", events)
    worst = failed or signs[-1]
    return Sign(worst.state, peer, f"{peer}: {worst.says}", events + worst.events)


def _looked_up(peer: str, found: Resolution) -> Sign | None:
    """What the SRV questions about a peer came to; None when there were none, its address being known already."""
    # Direct TLS is extra (XEP-0368): that nobody offers it is no fault.
    asked = [k for k in found.lookups if k.service == "_xmpp-server"] or [
        k for k in found.lookups if k.service == "_xmpps-server"
    ]
    answered = [k for k in asked if any(r.data != "." for r in k.srv)]
    events = tuple(k.answer or k.asked[0] for k in (answered or asked)[:1])
    if not asked:
        return None
    if not answered and any(k.srv for k in asked):
        return Sign("fail", peer, f"{peer}: its SRV record says that it has no federation service (target `.`)", events)
    whole = [k for k in asked if k.outcome == "answered"]
    if not answered and whole:
        why = (
            "its SRV answer was cut short"
            if whole[0].state == "TRUNCATED"
            else "its SRV question was answered, but no source tells by what"
        )
        return Sign("not-observed", peer, f"{peer}: {why}", events)
    told = [k for k in asked if k.outcome != "untold"]
    if not answered and not told:
        return Sign("not-observed", peer, f"{peer}: what DNS answered about it is not told", events)
    if not answered:
        return Sign("fail", peer, f"{peer}: the SRV question came to {told[0].outcome}", events)
    denied = [k for r in found.targets for k in found.denied(r.data)]
    if denied and not found.addresses:
        return Sign("fail", peer, f"{peer}: {denied[0].name}, which its SRV record names, has no address", events)
    return Sign("pass", peer, f"{peer}: its SRV record was answered", events)
