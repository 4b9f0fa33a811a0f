"""Rule: we sent our dialback key, and the peer's callback to check it cannot get in."""

from collections.abc import Mapping

from analyzer import asa
from analyzer.addresses import is_private
from analyzer.citations import cisco, xep
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Dialback, Event, FirewallLog


def predicate(session: Session, case: CaseView) -> Match | None:
    """The receiver tried to call back about a key and its SYN did not reach the sender's server.

    Holds for the session that waits for the verdict, and for the receiver's own attempt that is that callback.
    """
    if session.callbacks:
        return _match(session, session, session.callbacks, case)
    if not session.connections or session.authenticated:
        return None
    waiting = next((_waiting(case)[c.id] for c in session.connections if c.id in _waiting(case)), None)
    if waiting is None or (waiting.initiator, waiting.receiver) != (session.receiver, session.initiator):
        return None
    called = {c.id for c in waiting.callbacks}
    return _match(session, waiting, tuple(c for c in session.connections if c.id in called), case)


@once
def _waiting(case: CaseView) -> Mapping[str, Session]:
    """Connection id → the session whose callback that connection is, or tried to be."""
    return {c.id: s for s in case.sessions for c in s.callbacks}


def _match(session: Session, waiting: Session, tried: tuple[Connection, ...], case: CaseView) -> Match | None:
    """The finding, where one of the tried callbacks was stopped on its way and none got through."""
    key = next((d.request for d in waiting.dialbacks if d.request is not None and d.verify is None), None)
    if key is None or any(c.accepted for c in tried):
        return None
    known = case.hosts.get(waiting.receiver, frozenset())
    for callback in sorted(tried, key=lambda c: c.client[0] not in known):
        if is_private(callback.server[0]) and not is_private(callback.client[0]):
            continue  # it was sent to an address that leads nowhere from there: the zone is at fault, not the way in
        if any(case.at_home(tap, callback.server[0]) for tap in callback.vantages):
            continue
        missing = case.missing_at(callback)
        if not missing and not callback.unanswered_everywhere:
            continue
        denied = next((line for line in callback.firewall if line.action == "deny"), None)
        return Match(
            events=_evidence(callback, key, waiting, denied),
            because=(
                f"{waiting.receiver} got the key of {waiting.initiator} and called back, "
                f"{end_text(callback.client)} > {end_text(callback.server)}: {len(callback.syns)} SYNs seen in "
                f"{', '.join(sorted(callback.vantages))}, "
                + (f"none in {', '.join(c.tap for c in missing)}" if missing else "not one answered")
            ),
            connection=callback.id,
            domain=waiting.initiator,
            confidence=Confidence.PROVEN if missing and callback.client[0] in known else Confidence.LIKELY,
            severity=Severity.DEGRADED if session.authenticated else None,
            ruled_out=(
                *((("network-service-not-listening", f"the SYN never reached {missing[0].tap}"),) if missing else ()),
                *((("network-inbound-no-nat", f"the firewall refused it: {denied.text}"),) if denied else ()),
            ),
            undecided=()
            if denied
            else (("network-inbound-no-nat", "the log of the firewall at that moment"),)
            if missing
            else (("network-service-not-listening", f"a capture on the server of {waiting.initiator}"),),
            remedy=asa.let_in(callback, case),
        )
    return None


def _evidence(callback: Connection, key: Dialback, waiting: Session, denied: FirewallLog | None) -> tuple[Event, ...]:
    """The callback's SYNs, who refused them, the key before them, and the answer after."""
    answer = next((d.answer for d in waiting.dialbacks if d.answer is not None), None)
    refusal = (denied,) if denied is not None else ()
    return (*callback.syns[:1], *refusal, *callback.syns[1:], key, *((answer,) if answer is not None else ()))


RULE = Rule(
    title="The dialback callback cannot get in",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "network-syn-unanswered",
        "network-connection-refused",
        "network-inbound-blocked-acl",
        "network-inbound-no-nat",
        "dialback-callback-absent",
        "dialback-result-timeout",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-authoritative-unreachable",
        "stream-connection-timeout",
        "stream-remote-connection-failed",
        "stream-not-authorized",
        "stream-closed-without-error",
    ),
    rivals=("dialback-callback-absent", "network-service-not-listening", "dns-srv-address-not-ours"),
    explanation=(
        "Dialback does not trust a key because it came in: the receiving server opens a connection of its own to "
        "the address that DNS publishes for the sender, and asks there.\n"
        "That callback was sent, reached the outside of our network and did not get to the server, so the key was "
        "never confirmed and the outbound stream was never believed.\n"
        "This is why outbound tests that succeed prove nothing: federation needs the inbound way too."
    ),
    remedy=(
        "Permit inbound TCP 5269 on the firewall, and translate the published address to the federation server.\n"
        "Then watch for the callback within seconds after the next key."
    ),
    sources=(xep(220, "1.4"), cisco("116339", "verification step 1")),
    predicate=predicate,
)
