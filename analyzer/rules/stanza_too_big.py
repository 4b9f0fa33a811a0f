"""Rule: a stanza was bigger than the other server takes."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

CONDITIONS = ("policy-violation", "not-well-formed", "resource-constraint")
"""Stream errors by which servers refuse what is too big (RFC 6120 section 4.9.3; section 13.12 asks for
`policy-violation`)."""
WORDS = (
    "stanza is too big",  # ejabberd, Prosody
    "stanza too big",
    "stanza is too large",
    "stanza too large",
    "stanza size",
    "max stanza",
)
"""How servers say it in the text of that error, in lower case."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stream error says that a stanza was too big."""
    for connection, error in session.errors:
        if error.condition not in CONDITIONS or not error.text:
            continue
        text = error.text.lower()
        if not any(word in text for word in WORDS):
            continue
        way = connection.way(error)
        tally = connection.tally("<" if way == ">" else ">")
        return Match(
            events=(error, *((tally,) if tally is not None else ())),
            because=f"{connection.sender(error)} closed the stream: {error.condition}, “{error.text}”",
            connection=connection.id,
            owner=Owner.LOCAL if case.is_local(connection.sender(error)) else Owner.PEER,
        )
    return None


RULE = Rule(
    title="A stanza was too big for the other server",
    stage=Stage.TRAFFIC,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=("stream-policy-violation", "stream-bad-xml", "stream-closed-without-error", "stream-resource-constraint"),
    rivals=("stream-policy-violation", "network-mtu-black-hole"),
    explanation=(
        "One server sent a stanza beyond the size that the other takes, and the other closed the stream.\n"
        "RFC 6120 lets no server set that limit below 10,000 bytes; avatars and file transfers in band reach it.\n"
        "Everything else that waited on the stream is lost with it."
    ),
    remedy=(
        "Raise the limit for servers on the side that closed (`s2s_stanza_size_limit`, `max_stanza_size`).\n"
        "Or find the client that sends such stanzas."
    ),
    sources=(rfc(6120, "13.12"), xep(478), note("Prosody: XML stanza is too big")),
    predicate=predicate,
)
