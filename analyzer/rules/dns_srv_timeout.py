"""Rule: nobody answered the SRV question."""

from analyzer.citations import cisco, rfc
from analyzer.once import once
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

PATIENCE_NS = 5 * 10**9
"""A resolver gets 5 s: the default of resolv.conf(5). The capture must have gone on so long after the last question."""
QUESTIONS_MIN = 2
"""One lost datagram is no fault; a client asks again (RFC 1035 section 4.2.1)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Two or more SRV questions, no answer, and a tap that was still recording when the answer was due."""
    for found in session.resolutions:
        if found.srv_outcome != "unanswered":
            continue
        asked = sorted((e for k in found.srv_lookups for e in k.asked), key=lambda e: e.at_ns)
        if len(asked) < QUESTIONS_MIN:
            continue
        taps = {t for k in found.srv_lookups for t in k.taps}
        awake = [
            c
            for c in case.coverage.values()
            if c.tap in taps and not c.damaged and c.covers(asked[0].at_ns, asked[-1].at_ns + PATIENCE_NS)
        ]
        if not awake:
            continue
        resolvers = list(dict.fromkeys(k.resolver for k in found.srv_lookups))
        spoke = any((resolver, tap) in _spoke(case) for resolver in resolvers for tap in taps)
        return Match(
            events=tuple(asked),
            because=(
                f"{found.asker} ({asked[0].flow.src_ip if asked[0].flow else 'unknown'}) asked {', '.join(resolvers)} "
                f"{len(asked)} times for {found.srv_lookups[0].name} and no answer came"
            ),
            domain=found.domain,
            confidence=Confidence.LIKELY if len(resolvers) > 1 or not spoke else Confidence.POSSIBLE,
            severity=None if found.failed else Severity.DEGRADED,
            undecided=(
                ("dns-answer-dropped-by-firewall", f"a capture beside {resolvers[0]}: whether it answers"),
                ("dns-srv-servfail", f"the log of {resolvers[0]}: whether it waited for others"),
            ),
            remedy=(
                f"from the server, try: nslookup -type=SRV {found.srv_lookups[0].name} {resolvers[0]}; "
                f"permit UDP and TCP 53 between it and {', '.join(resolvers)}, and from there onwards"
            ),
        )
    return None


@once
def _spoke(case: CaseView) -> set[tuple[str, str]]:
    """The resolvers that answered anything, and where that was seen."""
    return {(k.resolver, tap) for k in case.lookups if k.answer is not None for tap in k.taps}


RULE = Rule(
    title="The SRV question is not answered",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("dns-answer-dropped-by-firewall", "dns-srv-servfail"),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("dns-timeout",)),),
    explanation=(
        "The server asked several times and no answer was seen, though the capture went on long enough.\n"
        "The resolver is down or unreachable, a firewall drops DNS on the way, or the resolver itself waits in vain\n"
        "for servers further out, which from here looks the same."
    ),
    remedy=(
        "Check which resolvers the server has (`show network eth0 details`) and that they answer.\n"
        "Open UDP and TCP port 53 from the server to its resolver, and from the resolver to the outside."
    ),
    sources=(rfc(1035, "4.2.1"), cisco("116339", "troubleshooting step 1")),
    predicate=predicate,
)
