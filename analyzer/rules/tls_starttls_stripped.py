"""Rule: the offer of STARTTLS is there at one place and gone at another."""

from analyzer.citations import rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamFeatures


def predicate(session: Session, case: CaseView) -> Match | None:
    """The first features of one conversation differ between two captures in what they say of STARTTLS."""
    for connection in session.connections:
        if len(connection.sightings) < 2:
            continue
        first = [
            (s.tap, features)
            for s in connection.sightings
            if (features := next(s.of(StreamFeatures, "<"), None)) is not None
        ]
        there = next(((t, f) for t, f in first if f.starttls != "absent"), None)
        gone = next(((t, f) for t, f in first if f.starttls == "absent"), None)
        if there is None or gone is None:
            continue
        return Match(
            events=(gone[1], there[1]),
            because=(
                f"the features of {connection.receiver} offer STARTTLS in {there[0]} and do not in {gone[0]}: "
                "something between altered them"
            ),
            connection=connection.id,
            confidence=Confidence.PROVEN,
            ruled_out=(("tls-required-not-offered", f"{connection.receiver} does offer it, as {there[0]} shows"),),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


RULE = Rule(
    title="The offer of STARTTLS was taken out on the way",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.FIREWALL,
    needs=frozenset({Stage.STREAM}),
    masks=("tls-required-not-offered", "stream-policy-violation", "stream-closed-without-error"),
    rivals=("network-inspection-interference",),
    explanation=(
        "Two captures of the same stream differ: at one place the features offer STARTTLS, at the other they do\n"
        "not. A device between the two rewrites the stream to keep it readable: an inspection, a proxy, or an attacker."
    ),
    remedy="Take the application inspection off for TCP 5269 on what lies between the two places.",
    sources=(rfc(7590, "3.1"), rfc(6120, "13.14")),
    predicate=predicate,
)
