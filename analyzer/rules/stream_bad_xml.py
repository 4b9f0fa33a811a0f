"""Rule: one side sends what the other cannot or will not read as XML."""

from analyzer.citations import rfc
from analyzer.connection import Connection
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import BadXml, StreamFeatures, StreamHeader, Topic

CONDITIONS = (
    "bad-format",
    "bad-namespace-prefix",
    "invalid-xml",
    "not-well-formed",
    "restricted-xml",
    "unsupported-encoding",
    "xml-not-well-formed",
)
"""Stream errors about XML (RFC 6120 section 4.9.3); the last is how RFC 3920 spelled it."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Bytes that are no XML, or a stream error that says so."""
    for connection in session.connections:
        if connection.not_xmpp is not None:
            continue
        bad = connection.first(BadXml)
        error = next((e for c, e in session.errors if c is connection and e.condition in CONDITIONS), None)
        if bad is None and error is None:
            continue
        if bad is not None:
            way = connection.way(bad)
            speaker = connection.sender(bad)
            because = f"{speaker} sent what is no XML: {bad.reason}"
        else:
            assert error is not None
            way = ">" if connection.way(error) == "<" else "<"
            speaker = (connection.initiator if way == ">" else connection.receiver) or "the other side"
            because = f"{connection.sender(error)} could not take what {speaker} sent: {words_of(error)}"
        altered = ("network-inspection-interference", "captures of this conversation on both sides of the firewall")
        heard = _heard(connection, way)
        return Match(
            events=tuple(e for e in (bad, error) if e is not None),
            because=because,
            connection=connection.id,
            domain=speaker,
            owner=owner_of(speaker, case),
            confidence=Confidence.LIKELY if heard else Confidence.POSSIBLE,
            undecided=(altered,) if heard else (("stream-not-xmpp", f"a capture: what {speaker} sends first"), altered),
            severity=Severity.DEGRADED if session.survived(connection) else None,
        )
    return None


def _heard(connection: Connection, way: str) -> bool:
    """Whether that side spoke XMPP at all. A capture would tell another protocol by its name; a log seldom does."""
    spoke = (next(s.of(kind, way), None) for s in connection.sightings for kind in (StreamHeader, StreamFeatures))
    return connection.captured or connection.authenticated or any(spoke)


RULE = Rule(
    title="The stream is not readable XML",
    stage=Stage.STREAM,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("stream-not-xmpp", "network-inspection-interference", "dialback-prefix-or-namespace"),
    said=(
        SaidSign(
            topic=Topic.CLOSED,
            conditions=(
                "not-well-formed",
                "bad-format",
                "bad-namespace-prefix",
                "invalid-xml",
                "restricted-xml",
                "unsupported-encoding",
            ),
            # The word alone does not tell whether the other side ever spoke XMPP.
            confidence=Confidence.POSSIBLE,
        ),
    ),
    explanation=(
        "One side sent bytes that are not well-formed XML, or that XMPP forbids (comments, entities, other\n"
        "encodings). A fault in the sending server; or a device in the path altered the bytes;\n"
        "or nobody's server sent it: somebody typed into a telnet."
    ),
    remedy=(
        "Compare captures on both sides of the firewall: if the bytes differ, take the inspection off.\n"
        "Else update the sending server."
    ),
    sources=(rfc(6120, "4.9.3.13"), rfc(6120, "11")),
    predicate=predicate,
)
