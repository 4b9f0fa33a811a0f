"""Rule: a contact was added, and no answer to the subscription was seen."""

from analyzer.citations import rfc
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Stanza

ANSWERS = ("subscribed", "unsubscribed")
"""RFC 6121 section 3.1: what a contact answers."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A `subscribe` set the attempt off and could not leave, or left and nothing came back."""
    sent = next((s for c in session.connections for s in c.of(Stanza, ">") if s.type == "subscribe"), None)
    asked = session.trigger if session.trigger is not None and session.trigger.type == "subscribe" else None
    if sent is None:
        stuck = asked is not None and session.outcome == "failed" and not session.ciphertext
        return _stuck(session, asked) if stuck and asked is not None else None
    if not session.authenticated:
        return None
    if _answers(session) or _answered(case, session.receiver, session.initiator):
        return None
    return Match(
        events=(sent, *((asked,) if asked is not None else ())),
        because=(
            f"a subscription went from {sent.from_domain} to {sent.to_domain}, and neither `subscribed` nor "
            "`unsubscribed` came back while it was captured"
        ),
        confidence=Confidence.POSSIBLE,
        domain=session.receiver,
        undecided=(("stanza-one-directional", "a longer capture, and whether the contact has answered"),),
    )


@once
def _answered(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair carried an answer, or could have, unseen."""
    return any(bool(s.ciphertext) or _answers(s) for s in case.between(initiator, receiver))


def _answers(session: Session) -> bool:
    return any(s.name == "presence" and s.type in ANSWERS for c in session.connections for s in c.of(Stanza))


def _stuck(session: Session, asked: Stanza) -> Match:
    """The subscription that never left."""
    return Match(
        events=(asked,),
        because=(
            f"a client of {session.initiator} asked to subscribe to a contact at {session.receiver}, and no stream "
            "came about that could carry it"
        ),
        owner=None,
    )


RULE = Rule(
    title="The subscription was not answered",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.USER,
    rivals=("stanza-one-directional", "stanza-roster-whitelist"),
    explanation=(
        "Presence and, with some services, messages flow only after the contact has answered a subscription.\n"
        "Either the request never left, because the stream failed, and what failed is told beside this.\n"
        "Or it was delivered and the contact has not answered yet, or the answer has no way back."
    ),
    remedy=(
        "If the stream failed, mend that.\nElse ask the contact to accept, and see whether the other direction works."
    ),
    sources=(rfc(6121, "3.1"),),
    predicate=predicate,
)
