"""Rule: a stanza came back with `remote-server-not-found`."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

CONDITION = "remote-server-not-found"
"""RFC 6120 section 8.3.3.16."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The client got the error back from its own server, or the error came over a server's stream."""
    bounce = session.bounce
    if bounce is not None and bounce.condition == CONDITION:
        return Match(
            events=(bounce, *((session.trigger,) if session.trigger is not None else ())),
            because=(
                f"the server of {session.initiator} gave the {bounce.name} for {session.receiver} back to the client: "
                f"{CONDITION}"
            ),
            owner=Owner.LOCAL if case.is_local(session.initiator) else Owner.PEER,
        )
    found = session.stanza_error(CONDITION)
    if found is None:
        return None
    return Match(
        events=(found,),
        because=f"a {found.name} came back from {found.from_domain} to {found.to_domain}: {CONDITION}",
        owner=Owner.PEER,
        domain=found.from_domain,
    )


RULE = Rule(
    title="A stanza came back: the remote server was not found",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.LOCAL,
    rivals=("dns-srv-nxdomain", "dns-srv-target-no-address", "network-syn-unanswered"),
    explanation=(
        "A stanza was answered by the error `remote-server-not-found`.\n"
        "It is sent by the server that should have carried the stanza on, mostly our own, in the name of the "
        "addressee: the peer never saw it.\n"
        "The error tells that the attempt failed, not why; the why stands earlier, in DNS or in the connection."
    ),
    remedy="Look at what failed before the error: the lookup, the connection, the stream.",
    sources=(rfc(6120, "8.3.3.16"), note("Prosody mod_s2s: bounces of queued stanzas")),
    predicate=predicate,
)
