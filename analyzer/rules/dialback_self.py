"""Rule: a server that wants to reach a peer connects to itself."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A connection for the peer whose two ends are one host at one place."""
    for connection in session.connections:
        if connection.client[0] != connection.server[0] and not case.same_host(
            connection.client[0], connection.server[0]
        ):
            continue
        return Match(
            events=(connection.events[0],),
            because=(
                f"{connection.client[0]} connected to {end_text(connection.server)}, which is itself, "
                f"to reach {session.receiver}"
            ),
            connection=connection.id,
            domain=session.receiver,
            undecided=(("network-hairpin", f"where the SRV record of {session.receiver} leads, asked from outside"),),
            severity=Severity.NOTE if session.authenticated else None,
        )
    return None


RULE = Rule(
    title="The server connects to itself",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.CONNECT}),
    masks=("stream-host-unknown",),
    rivals=("network-hairpin", "dns-wildcard-or-hijack"),
    explanation=(
        "The SRV record of the peer, or of the domain that a key is checked with, leads back to the server that\n"
        "asks. It then talks to itself in another's name and refuses itself."
    ),
    remedy="Correct the SRV record of the peer's domain, or what the inside view of DNS says of it.",
    sources=(xep(220, "1.4"), note("Prosody mod_s2s, a host we do serve")),
    predicate=predicate,
)
