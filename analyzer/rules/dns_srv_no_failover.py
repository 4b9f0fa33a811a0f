"""Rule: only the first of several servers was tried."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

SILENCE_NS = 130 * 10**9
"""A silent server is given up after some 127 s (6 SYN retries, as in Linux, each after twice the time: RFC 6298
section 5); before that nothing can be said."""
REFUSAL_NS = 30 * 10**9
"""After a refusal the next server is tried at once; 30 s leave room for any pause between two."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Several targets, the first one failed, none other was tried, and the capture went on long enough."""
    for found in session.resolutions:
        names = list(dict.fromkeys(r.data for r in found.targets if r.data != "."))
        if not found.failed or len(names) < 2 or not found.connections:
            continue
        first = [c for r in found.targets if r.data == names[0] for c in found.tried(names[0], r.port or 0)]
        if len(first) < len(found.connections):
            continue
        patience = SILENCE_NS if any(c.unanswered for c in first) else REFUSAL_NS
        until = max(c.ended_ns if not c.unanswered else c.began_ns for c in first) + patience
        if not case.watched(first[-1], until):
            continue
        pair = case.between(session.initiator, session.receiver)
        if not found.calls_back and any(c not in first for s in pair for c in s.connections):
            continue
        return Match(
            events=(*first[0].events[:2], *(k.answer for k in found.srv_with("answered") if k.answer)),
            because=(
                f"{found.asker} tried {end_text(first[0].server)} ({names[0]}), which came to {first[0].outcome}, "
                f"and none of the {len(names) - 1} other servers of {found.domain}"
            ),
            connection=first[0].id,
            domain=found.asker,
            remedy=f"give the server of {found.domain} that works the lowest priority value; mend {names[0]}",
        )
    return None


RULE = Rule(
    title="The other servers are not tried",
    stage=Stage.CONNECT,
    severity=Severity.DEGRADED,
    owner=Owner.PEER,
    needs=frozenset({Stage.DNS, Stage.CONNECT}),
    rivals=("network-syn-unanswered",),
    explanation=(
        "The SRV record names several servers, the first cannot be reached, and the initiating server stopped there.\n"
        "It should go on to the next. Some products try only the first record that they find."
    ),
    remedy="Mend or remove the first server, or give the one that works the lowest priority value.",
    sources=(
        rfc(2782),
        rfc(6120, "3.2.1"),
        cisco("Interdomain Federation Guide 12.5(1)SU3", "only tries the first DNS SRV record found"),
    ),
    predicate=predicate,
)
