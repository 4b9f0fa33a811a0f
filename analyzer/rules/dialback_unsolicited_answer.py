"""Rule: an answer comes to a key that nobody was seen to send."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A result or verify with a verdict as the first of its key, on a connection that was captured whole."""
    for key in session.dialbacks:
        first = key.steps[0]
        if not first.signal.endswith("<"):
            continue
        connection = case.connection(key.asked_on if first.signal.startswith("result") else key.verified_on)
        if connection is None or not connection.whole or connection.ciphertext is not None:
            continue
        speaker = connection.sender(first.event)
        return Match(
            events=(first.event,),
            because=(
                f"{speaker} sent an answer about a key of {key.sender_domain} for {key.target_domain} "
                "that nobody had asked for on that connection"
            ),
            connection=connection.id,
            domain=speaker,
        )
    return None


RULE = Rule(
    title="A dialback answer came unasked",
    stage=Stage.AUTH,
    severity=Severity.NOTE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    rivals=("dialback-late-answer", "dialback-wrong-id"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-stray",)),),
    explanation=(
        "A `<db:result>` or `<db:verify>` with a verdict arrived that answers nothing. It must be ignored:\n"
        "servers that believed such answers could be deceived about who is who (August 2012).\n"
        "Mostly it is a confused peer; it may be an attack."
    ),
    remedy="See that the server is newer than August 2012. Find out who lives at the address that it came from.",
    sources=(
        xep(220, "3.1"),
        note("XMPP.org notice of 2012-08-21, Vulnerability in XMPP Server Dialback Implementations"),
    ),
    predicate=predicate,
)
