"""Rule: Google no longer federates."""

from datetime import UTC, datetime

from analyzer.citations import note
from analyzer.claims import belongs_to
from analyzer.clouds import GOOGLE
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

GONE_NS = int(datetime(2022, 7, 1, tzinfo=UTC).timestamp()) * 10**9
"""Google announced the end of Talk, and of XMPP with others, for June 2022; an older capture may show it working."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """After the end of the service, no connection to a server of Google was accepted."""
    if not session.connections or any(c.accepted for c in session.connections) or session.began_ns < GONE_NS:
        return None
    if not belongs_to(session.receiver, GOOGLE.zones) and not any(
        belongs_to(t.data, GOOGLE.zones) for r in session.resolutions for t in r.targets if not r.calls_back
    ):
        return None
    if case.succeeded(session.initiator, session.receiver):
        return None  # it does federate
    connection = session.connections[-1]
    return Match(
        events=connection.events[:2],
        because=(
            f"{session.receiver} is Google's, {end_text(connection.server)} came to {connection.outcome}, and "
            f"Google ended "
            "federation in 2022"
        ),
        connection=connection.id,
        domain=session.receiver,
        confidence=Confidence.POSSIBLE,
        undecided=(("network-syn-unanswered", "a capture outside the firewall: whether the SYN leaves at all"),),
    )


RULE = Rule(
    title="Google has ended federation",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.PEER,
    needs=frozenset({Stage.CONNECT}),
    rivals=("network-syn-unanswered", "network-connection-refused"),
    explanation=(
        "Google federated over XMPP from 2006, let go of it step by step from 2013 on, and ended the service in 2022.\n"
        "The SRV records may outlive it. If the peer really is Google, nothing on our side will help."
    ),
    remedy="Tell the users that Gmail contacts can no longer be reached over XMPP, and stop federating with gmail.com.",
    sources=(
        note("XMPP.org, 2015-03-02"),
        note("EFF, May 2013"),
    ),
    predicate=predicate,
)
