"""Rule: the server requires TLS and the initiating server goes on in the clear."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Dialback, Sasl


def predicate(session: Session, case: CaseView) -> Match | None:
    """STARTTLS required, and a key or SASL sent without it."""
    for connection in session.connections:
        features = connection.features
        if features is None or features.starttls != "required" or connection.starttls:
            continue
        went_on = next(
            (
                e
                for e in connection.events
                if connection.way(e) == ">"
                and e.at_ns >= features.at_ns
                and (
                    (isinstance(e, Dialback) and e.word == "result" and e.verdict is None)
                    or (isinstance(e, Sasl) and e.word == "auth")
                )
            ),
            None,
        )
        if went_on is None:
            continue
        answer = next((k.answer for k in session.dialbacks if k.request is went_on and k.answer is not None), None)
        end = connection.error or answer or connection.ending
        if end is None and not session.authenticated:
            continue
        return Match(
            events=(went_on, features) if end is None else (went_on, features, end),
            because=(
                f"{session.receiver} requires STARTTLS, but {session.initiator} went on in the clear"
                + ("" if session.authenticated else " and got nowhere")
            ),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            severity=Severity.DEGRADED if session.survived(connection) else None,
            remedy=f"switch on TLS for server-to-server streams at {session.initiator}",
        )
    return None


RULE = Rule(
    title="TLS is required and was not used",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.STREAM}),
    masks=(
        "stream-policy-violation",
        "stream-connection-timeout",
        "stream-not-authorized",
        "stream-closed-without-error",
        "dialback-result-timeout",
        "dialback-result-error",
        "dialback-callback-absent",
    ),
    rivals=("dialback-result-timeout", "hosting-policy-denied"),
    explanation=(
        "The features say that STARTTLS is required, and the initiating server sent its dialback key without it.\n"
        "The receiving server answers with an error, or drops the key without a word and lets the stream time out."
    ),
    remedy=(
        "Switch on TLS at the initiating server.\nIf it cannot: let the receiving server take this peer without TLS."
    ),
    sources=(rfc(6120, "5.4.1"), xep(220, "2.5"), note("jabberd2 issue 144")),
    predicate=predicate,
)
