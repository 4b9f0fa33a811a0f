"""Rule: the clocks of the sources differ, and were corrected."""

from analyzer.citations import note
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Event


def predicate(session: Session, case: CaseView) -> Match | None:
    """A tap that saw the attempt has a clock offset that was applied."""
    shifted: dict[str, Event] = {}
    for connection in session.connections:
        for sighting in connection.sightings:
            coverage = case.coverage.get(sighting.tap)
            if coverage is not None and coverage.offset_ns:
                shifted.setdefault(sighting.tap, sighting.events[0])
    if not shifted:
        return None
    told = []
    for tap in sorted(shifted):
        offset_ns = case.coverage[tap].offset_ns
        told.append(f"{tap} by {abs(offset_ns) / 10**9:.3f} s {'ahead' if offset_ns > 0 else 'behind'}")
    return Match(
        events=tuple(shifted[tap] for tap in sorted(shifted)),
        because=f"the clocks differ: {', '.join(told)}; the instants shown are corrected",
    )


RULE = Rule(
    title="The clocks of the captures differ",
    stage=Stage.CONNECT,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    explanation=(
        "The same packets carry different instants in different captures.\n"
        "The offset was found from conversations that both saw and is applied, so that one timeline comes of "
        "them; frames in Wireshark still show the original instants."
    ),
    remedy=("Let the hosts that capture follow NTP.\nCertificates and logs depend on their clocks as well."),
    sources=(note("conversations seen at both places"),),
    predicate=predicate,
)
