"""Rule: a key was sent and no callback about it came to where we look. General."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from analyzer.citations import note, xep
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Blind, Confidence, Match, Owner, Rule, Severity
from analyzer.session import DialbackKey, Session
from analyzer.stage import Stage
from analyzer.view import CaseView

TIMEOUT_NS = 29 * 10**9
"""The shortest dialback timer known is Cisco XCP's 30 s; one second is allowed for the packets' way."""
CALLED_IN_VAIN = ("remote-connection-failed", "remote-server-not-found", "remote-server-timeout")
"""Errors that say that a callback was tried, or would have been, and failed (XEP-0220 section 2.5)."""


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """No verify and no connection of the receiver between the key and its sad end, under watch."""
    if session.authenticated or session.callbacks or case.is_local(session.receiver):
        return None
    for key in session.dialbacks:
        connection = case.connection(key.asked_on)
        if key.request is None or key.verify is not None or connection is None:
            continue
        until = _end_ns(key, connection)
        if until is None or not case.watched(connection, until) or _was_asked(key, until, case):
            continue
        hidden = _under_tls(case, session.receiver, session.initiator)
        if any(c.began_ns <= until <= c.ended_ns + TIMEOUT_NS for c in hidden):
            return Blind(because=f"a stream of {session.receiver} under TLS was open and may have carried the verify")
        last = key.answer
        told = ""
        if last is not None:
            told = f", and {key.target_domain} said {last.condition or last.verdict} in the end"
        return Match(
            events=(key.request,) if last is None else (key.request, last),
            because=(
                f"no callback of {key.target_domain} about the key of {key.sender_domain} was seen in "
                f"{', '.join(sorted(connection.vantages))}{told}"
            ),
            connection=key.asked_on,
            domain=key.sender_domain,
            confidence=Confidence.POSSIBLE,
            undecided=(
                ("network-callback-blocked", f"a capture outside the firewall of {key.sender_domain}"),
                ("dns-srv-private-address", f"the SRV and address records of {key.sender_domain}, asked from outside"),
                ("dialback-secret-mismatch", f"a capture at the other servers of {key.sender_domain}"),
                ("hosting-domain-registered-at-google", f"a capture at {key.target_domain}"),
            ),
        )
    return None


def _was_asked(key: DialbackKey, until: int, case: CaseView) -> bool:
    """Whether the receiver asked about any key of the pair meanwhile: then it did call back."""
    assert key.request is not None
    asked = _asked(case).get((key.sender_domain, key.target_domain), ())
    first = bisect_left(asked, key.request.at_ns)
    return first < len(asked) and asked[first] <= until


@once
def _asked(case: CaseView) -> Mapping[tuple[str, str], Sequence[int]]:
    """When it was asked about keys, in order, by whose they are and who asked."""
    found: dict[tuple[str, str], list[int]] = {}
    for at_ns, sender, target in sorted(
        (d.verify.at_ns, d.sender_domain, d.target_domain) for d in case.dialbacks if d.verify is not None
    ):
        found.setdefault((sender, target), []).append(at_ns)
    return found


@once
def _under_tls(case: CaseView, initiator: str, receiver: str) -> tuple[Connection, ...]:
    """The streams of a pair that went on in ciphertext."""
    return tuple(c for s in case.between(initiator, receiver) for c in s.connections if c.ciphertext is not None)


def _end_ns(key: DialbackKey, connection: Connection) -> int | None:
    """When the key's fate was sealed so that a callback should have come before; None where none need have come."""
    assert key.request is not None
    if key.answer is not None:
        told = key.answer.verdict == "invalid" or key.answer.condition in CALLED_IN_VAIN
        return key.answer.at_ns if told else None
    end = connection.ending
    until = key.request.at_ns + TIMEOUT_NS if end is None else end.at_ns
    return until if until - key.request.at_ns >= TIMEOUT_NS else None


RULE = Rule(
    title="The callback did not come",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.EVIDENCE,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-timeout", "stream-connection-timeout", "stream-not-authorized"),
    rivals=(
        "network-callback-blocked",
        "dialback-result-error",
        "dialback-secret-mismatch",
        "hosting-domain-registered-at-google",
    ),
    explanation=(
        "To believe a dialback key the receiving server connects back to the server that DNS names for the sender's\n"
        "domain. Here the key failed and no such connection reached the place of the capture.\n"
        "It was stopped before (firewall, translation), it went elsewhere (SRV record, another node), or was not tried."
    ),
    remedy=(
        "Capture outside the firewall at the same time: a SYN there means that the firewall keeps it out.\n"
        "No SYN there: look at the domain's SRV and address records from outside, then ask the peer."
    ),
    sources=(xep(220, "1.4"), note("Microsoft ff394138")),
    predicate=predicate,
)
