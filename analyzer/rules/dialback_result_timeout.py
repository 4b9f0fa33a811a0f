"""Rule: a dialback key gets no answer. General."""

from analyzer.citations import cisco, note, xep
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

TIMEOUT_NS = 29 * 10**9
"""Cisco XCP waits 30 s for the result, the shortest timer known; one second is allowed for the packets' way."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A key, and neither result nor end for the length of the shortest timer, under watch."""
    if session.authenticated:
        return None
    for key in session.dialbacks:
        connection = case.connection(key.asked_on)
        if key.request is None or key.answer is not None or connection is None:
            continue
        end = connection.ending
        until = key.request.at_ns + TIMEOUT_NS if end is None else end.at_ns
        if until - key.request.at_ns < TIMEOUT_NS or not case.watched(connection, until):
            continue
        return Match(
            events=(key.request,) if end is None else (key.request, end),
            because=(
                f"{key.target_domain} did not answer the dialback key of {key.sender_domain} "
                f"for {(until - key.request.at_ns) // 10**9} s"
            ),
            connection=key.asked_on,
            domain=key.target_domain,
            confidence=Confidence.LIKELY,
            undecided=(
                ("network-callback-blocked", f"a capture outside the firewall of {key.sender_domain}"),
                ("dialback-authoritative-unreachable", f"the log of {key.target_domain}"),
            ),
        )
    return None


RULE = Rule(
    title="The dialback key is not answered",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-connection-timeout", "stream-closed-without-error"),
    rivals=("network-callback-blocked", "dialback-callback-unanswered", "tls-required-by-peer-ignored"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-timeout",)),),
    explanation=(
        "The initiating server sent its key and heard nothing until the timers ran out (30 s at Cisco).\n"
        "The receiving server waits itself: for its lookup of the sender's domain, for its connection back, or for\n"
        "the answer to its question. A capture outside the sender's firewall shows which."
    ),
    remedy=(
        "See that the sender's server can be reached from outside: SRV record, address, translation, inbound TCP\n"
        "5269. Ask the receiving side what its log says at that moment."
    ),
    sources=(
        xep(220, "2.1.1"),
        cisco("213865", "Scheduling dialback timeout in 30 secs"),
        note("jabberd2 s2s, dialback timed out"),
    ),
    predicate=predicate,
)
