"""Rule: the IPv6 address is tried first and does not answer."""

from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """IPv6 had no answer, and IPv4 was accepted after it, or was never tried though known."""
    broken = [
        c for c in session.connections if ":" in c.server[0] and (c.unanswered_everywhere or c.unreachable is not None)
    ]
    if not broken:
        return None
    first = broken[0]
    four = [c for c in session.connections if ":" not in c.server[0]]
    after = case.went_on(session)
    if after is not None and (":" in after.server[0] or after.began_ns < first.began_ns):
        return None
    known = [r.data for k in session.lookups for r in k.records if r.rrtype == "A"]
    if after is not None:
        wait_s = (after.began_ns - first.began_ns) / 10**9
        because = f"and only {wait_s:.1f} s later {end_text(after.server)} was tried, and answered"
    elif not four and known:
        because = f"and no address of IPv4 was tried, although DNS gave {known[0]}"
    else:
        return None
    return Match(
        events=(*first.syns, *(() if after is None else after.syns[:1])) or first.events[:1],
        because=f"{end_text(first.server)} was tried first and did not answer, {because}",
        connection=first.id,
        domain=session.receiver,
        confidence=Confidence.LIKELY if after is not None else Confidence.POSSIBLE,
        severity=Severity.DEGRADED if after is not None else None,
    )


RULE = Rule(
    title="IPv6 is tried first and does not work",
    stage=Stage.CONNECT,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.CONNECT}),
    masks=("network-syn-unanswered", "network-icmp-unreachable"),
    rivals=("network-syn-unanswered",),
    explanation=(
        "The name has an address of IPv6, which servers prefer, and nothing answers there.\n"
        "Until they give up and take IPv4, tens of seconds pass; some never do.\n"
        "Either this side has no working IPv6, or the peer's is not served."
    ),
    remedy=(
        "Make IPv6 work on the side where it fails, or take away the AAAA record, or switch IPv6 off on the server."
    ),
    sources=(rfc(6724), rfc(8305), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
