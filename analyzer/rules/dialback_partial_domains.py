"""Rule: on one stream one pair of domains is accepted and another is not."""

from analyzer.citations import cisco, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Dialback


def predicate(session: Session, case: CaseView) -> Match | None:
    """Results of both kinds for different pairs on one connection."""
    for connection in session.connections:
        verdicts = [d for d in connection.of(Dialback, "<") if d.word == "result" and d.verdict is not None]
        if len(verdicts) < 2:
            continue
        good = next((d for d in verdicts if d.verdict == "valid"), None)
        bad = next((d for d in verdicts if d.verdict != "valid" and d.condition != "resource-constraint"), None)
        if good is None or bad is None or (good.from_domain, good.to_domain) == (bad.from_domain, bad.to_domain):
            continue
        return Match(
            events=(bad, good),
            because=(
                f"on one stream {good.to_domain} > {good.from_domain} was accepted and "
                f"{bad.to_domain} > {bad.from_domain} was not ({bad.condition or bad.verdict})"
            ),
            connection=connection.id,
            domain=bad.to_domain,
        )
    return None


RULE = Rule(
    title="One of several domains on a stream fails",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.DNS,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-invalid", "dialback-result-error"),
    rivals=("dialback-multiplex-refused", "dns-alias-srv-missing", "tls-alias-not-in-san"),
    explanation=(
        "Every pair of domains is proven for itself, also on a shared stream. Here one pair was accepted, another\n"
        "not: mostly a subdomain (chat rooms, file transfer) that lacks an SRV record of its own or is not set up."
    ),
    remedy="Publish an SRV record for each alias too, and set it up on the server that the record names.",
    sources=(xep(220, "2.6"), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
