"""Rule: one direction works, the other was not seen to."""

from analyzer.citations import xep
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Stanza

ASKING = (("presence", "subscribe"), ("presence", "probe"), ("iq", "get"), ("iq", "set"))
"""Stanzas that want an answer (RFC 6121 sections 3.1 and 4.3, RFC 6120 section 8.2.3); without one of these nothing is
missing."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """One direction was authenticated and asked something; no stream of the other was, and none is hidden."""
    if session.awaited is not None:
        return Match(
            events=(session.awaited,),
            because=(
                f"{session.receiver} asked {session.initiator} for an answer, and {session.initiator} was not seen to "
                "open a stream of its own to give it"
            ),
            confidence=Confidence.POSSIBLE,
            domain=session.initiator,
            undecided=(
                ("hosting-domain-registered-at-google", f"the log of {session.initiator}'s server"),
                ("stanza-subscription-not-delivered", f"a capture at {session.initiator}'s server"),
            ),
        )
    if not session.authenticated:
        return None
    sent = next((s for c in session.connections for s in c.of(Stanza, ">") if (s.name, s.type) in ASKING), None)
    back = next((s for c in session.connections for s in c.of(Stanza, "<")), None)
    if sent is None or back is not None:
        return None
    if _open(case, session.receiver, session.initiator):
        return None
    failed = _failed(case, session.receiver, session.initiator)
    return Match(
        events=(sent,),
        because=(
            f"{session.initiator} asks {session.receiver}, and nothing can come back: "
            + (
                f"the attempts of {session.receiver} failed"
                if failed
                else f"{session.receiver} was not seen to open a stream of its own"
            )
        ),
        confidence=Confidence.LIKELY if failed else Confidence.POSSIBLE,
        domain=session.receiver,
        undecided=() if failed else (("stanza-subscription-not-delivered", "a capture at the peer's server"),),
    )


@once
def _open(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair got through, or may have, unseen."""
    return any(s.authenticated or s.ciphertext for s in case.between(initiator, receiver))


@once
def _failed(case: CaseView, initiator: str, receiver: str) -> bool:
    """Whether an attempt of the pair failed."""
    return any(s.outcome == "failed" for s in case.between(initiator, receiver))


RULE = Rule(
    title="Stanzas go one way only",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TRAFFIC}),
    rivals=("hosting-policy-one-direction", "stanza-subscription-not-delivered", "hosting-domain-registered-at-google"),
    explanation=(
        "A stream between servers carries stanzas in one direction; for answers the other server opens its own, "
        "and authenticates on its own (XEP-0220 section 1.2, unless both agree on XEP-0288).\n"
        "Here one direction works and no stream of the other was seen.\n"
        "If the other side had nothing to say that is in order; if it had, its way to us is broken, or it takes "
        "its answers somewhere else."
    ),
    remedy=(
        "Look at the verdict of the other direction.\n"
        "If there is none: ask the peer where its DNS sends it for this domain, and whether it hosts the domain "
        "itself."
    ),
    sources=(xep(220, "1.2"), xep(288)),
    predicate=predicate,
)
