"""Rule: our server takes no part in federation at all: it refuses, and opens nothing."""

from analyzer.bounces import AT_ONCE_NS
from analyzer.citations import cisco, note, rfc
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

FEDERATION = 5269
"""The registered port (RFC 6120 section 14.7)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server forbids its own clients all other domains; or a host of ours resets on the federation port, and
    neither accepts nor opens any federation.
    """
    if (kept_in := _kept_in(session, case)) is not None:
        return kept_in
    for connection in (*session.connections, *session.callbacks):
        if not connection.refused:
            continue
        home = next((s for s in connection.sightings if case.at_home(s.tap, s.server[0])), None)
        if home is None or home.server[1] != FEDERATION:
            continue
        host = home.server[0]
        if host in _taking_part(case):
            continue
        reset = next((e for e in home.events if getattr(e, "mark", "") == "rst"), home.events[-1])
        return Match(
            events=(reset, *connection.syns),
            because=f"{end_text(home.server)} resets every attempt, and {host} opened no federation of its own",
            connection=connection.id,
            domain=session.receiver if connection in session.connections else session.initiator,
            confidence=Confidence.POSSIBLE,
            undecided=(
                (
                    "network-service-not-listening",
                    f"the list of services on {host}: `utils service list`, federation status",
                ),
            ),
        )
    return None


@once
def _taking_part(case: CaseView) -> set[str]:
    """Addresses of hosts that opened or accepted a conversation, the translated ones included."""
    hosts = {s.client[0] for c in case.connections for s in c.sightings}
    hosts |= {s.server[0] for c in case.connections if c.accepted for s in c.sightings}
    return hosts.union(*(case.nat.get(host, ()) for host in hosts))


@once
def _federating(case: CaseView) -> set[str | None]:
    """Domains at an end of a conversation that was accepted."""
    return {domain for c in case.connections if c.accepted for domain in (c.initiator, c.receiver)}


def _kept_in(session: Session, case: CaseView) -> Match | None:
    """A stanza that came back at once as not allowed, before anything was tried, from a server that federates with
    nobody.
    """
    bounce, trigger = session.bounce, session.trigger
    if bounce is None or bounce.condition != "not-allowed":
        return None
    if trigger is not None and bounce.at_ns - trigger.at_ns > AT_ONCE_NS + trigger.width_ns:
        return None
    tried = (*(k.asked_ns for k in session.lookups), *(c.began_ns for c in session.connections))
    if any(at_ns <= bounce.at_ns for at_ns in tried):
        return None
    if session.initiator in _federating(case):
        return None  # it takes part, so the peer or a list of domains may be who does not allow it
    return Match(
        events=(bounce, *((trigger,) if trigger is not None and trigger.name == bounce.name else ())),
        because=(
            f"the server of {session.initiator} gave the {bounce.name} for {session.receiver} back to the client"
            f"{' at once' if trigger is not None else ''}: not-allowed; no try before, and no federation of it was seen"
        ),
        # Without what the client sent, nobody knows whether a try came between.
        confidence=Confidence.LIKELY if trigger is not None else Confidence.POSSIBLE,
        domain=session.initiator,
        owner=owner_of(session.initiator, case),
        severity=Severity.FAILURE,
        undecided=(
            ("hosting-policy-denied", f"the federation settings of {session.initiator}: on, and for which domains"),
        ),
        remedy=(
            f"switch federation on at the server of {session.initiator} (CUPS: the XMPP federation node status and its "
            "connection manager; Prosody: mod_s2s), and restart it"
        ),
    )


RULE = Rule(
    title="Federation may be switched off",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-service-not-listening", "network-listens-elsewhere", "hosting-policy-denied"),
    explanation=(
        "The host refuses connections on 5269 and opens none itself in the whole capture: it takes no part in "
        "federation.\n"
        "That is what it looks like when the XMPP federation node status is Off, or when the federation "
        "connection manager\n"
        "is stopped; it cannot be started while the status is Off.\n"
        "Some servers say so to their own clients: each stanza for another domain comes back at once as `not-allowed`."
    ),
    remedy=(
        "Set the XMPP federation node status to On, then start the Cisco XCP XMPP Federation Connection Manager.\n"
        "Restart the Cisco XCP Router on all nodes afterwards."
    ),
    sources=(
        cisco("116339", "configuration steps 4 and 5"),
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
        rfc(6120, "8.3.3.10"),
        note("Prosody stanza_router: Communication with remote domains is not enabled"),
    ),
    predicate=predicate,
)
