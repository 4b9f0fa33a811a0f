"""Rule: after TLS the server offers no SASL EXTERNAL."""

from analyzer.citations import cisco, note, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import StreamFeatures, TlsHello, Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """Features inside TLS, which a key log opened, without EXTERNAL."""
    for connection in session.connections:
        hello = connection.first(TlsHello)
        if hello is None:
            continue
        inside = [f for f in connection.of(StreamFeatures, "<") if f.at_ns > hello.at_ns]
        if not inside or any("EXTERNAL" in f.sasl for f in inside) or connection.sasl:
            continue
        last = inside[0]
        dead_end = not last.dialback and connection.ending is not None and not session.survived(connection)
        return Match(
            events=(last,),
            because=(
                f"{session.receiver} offers {session.initiator} no SASL EXTERNAL under TLS"
                + (" and no dialback either" if dead_end else ", so dialback has to do")
            ),
            connection=connection.id,
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            undecided=(("tls-cert-untrusted", f"the log of {session.receiver}: what it thinks of the certificate"),),
            severity=None if dead_end else Severity.NOTE,
        )
    return None


RULE = Rule(
    title="SASL EXTERNAL is not offered",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("tls-cert-untrusted", "tls-cert-wrong-name", "stream-no-common-auth"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("external-not-offered",)),),
    explanation=(
        "A server offers EXTERNAL only if the certificate of the initiating server satisfies it.\n"
        "It is not trusted, not for the domain, or there is none; or the receiving server never does SASL\n"
        "between servers (Cisco Expressway). Dialback is what remains."
    ),
    remedy="Nothing, if dialback works. Else give the initiating server a certificate that the other side trusts.",
    sources=(
        xep(178),
        note("ejabberd issue 3133"),
        cisco("Expressway IM&P/XMPP federation guide", "SASL External is not supported"),
    ),
    predicate=predicate,
)
