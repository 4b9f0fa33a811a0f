"""Rule: a stanza came back with `remote-server-not-found`."""

from analyzer.bounces import bounced
from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stanza came back with `remote-server-not-found`."""
    return bounced("remote-server-not-found", session, case)


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
