"""Rule: the capture lacks bytes of the stream that the network did carry."""

from analyzer.citations import note
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import CaptureGap


def predicate(session: Session, case: CaseView) -> Match | None:
    """Bytes in the clear are missing, in every source that saw the conversation."""
    for connection in session.connections:
        gaps = tuple(connection.of(CaptureGap))
        hidden = connection.ciphertext
        if hidden is not None:
            gaps = tuple(g for g in gaps if g.at_ns < hidden.at_ns)
        if not gaps or not all(s.events and any(s.of(CaptureGap)) for s in connection.sightings):
            continue
        missing = sum(g.missing_bytes for g in gaps)
        return Match(
            events=gaps,
            because=(
                f"{missing} bytes of {end_text(connection.client)} > {end_text(connection.server)} are not in "
                f"{', '.join(sorted(connection.vantages))}"
            ),
            connection=connection.id,
        )
    return None


RULE = Rule(
    title="The capture lacks bytes of the stream",
    stage=Stage.STREAM,
    severity=Severity.NOTE,
    owner=Owner.EVIDENCE,
    rivals=("network-loss-or-latency", "network-mtu-black-hole"),
    explanation=(
        "Bytes were sent, and acknowledged or followed by later ones, that the capture does not hold.\n"
        "Mostly a snap length cut the frames, or the capturing host was too slow and dropped some.\n"
        "What the missing bytes said cannot be judged."
    ),
    remedy="Capture whole frames (`tcpdump -s 0`, `utils network capture size all`) with a filter on the port.",
    sources=(note("general knowledge of captures"),),
    predicate=predicate,
)
