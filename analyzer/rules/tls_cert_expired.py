"""Rule: a certificate is out of date."""

from datetime import UTC, datetime

from analyzer.citations import note, rfc
from analyzer.rule import Blind, Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import TlsCertificate, Topic


def predicate(session: Session, case: CaseView) -> Match | Blind | None:
    """A certificate whose dates do not hold at the time of the capture."""
    shown = False
    for connection in session.connections:
        for certificate in connection.of(TlsCertificate):
            shown = True
            if certificate.not_before_ns <= certificate.at_ns <= certificate.not_after_ns:
                continue
            way = connection.way(certificate)
            refusal = connection.refusal_of_certificate(way)
            owner = connection.sender(certificate)
            late = certificate.at_ns > certificate.not_after_ns
            when = _day(certificate.not_after_ns if late else certificate.not_before_ns)
            return Match(
                events=(certificate,) if refusal is None else (certificate, refusal),
                because=(
                    f"a certificate that {owner} shows ({certificate.subject}) "
                    + (f"expired on {when}" if late else f"is not valid before {when}")
                ),
                connection=connection.id,
                domain=owner,
                owner=owner_of(owner, case),
                undecided=(("tls-clock-skew", "whether the clock of the capturing host is right"),),
                severity=None if refusal is not None and not session.survived(connection) else Severity.DEGRADED,
            )
    return Blind(because=session.veil) if session.veil and not shown else None


def _day(instant_ns: int) -> str:
    """The day of an instant, UTC; dates beyond a calendar's end stay numbers."""
    try:
        return datetime.fromtimestamp(instant_ns // 10**9, UTC).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        return f"{instant_ns // 10**9} s after 1970"


RULE = Rule(
    title="A certificate has expired",
    stage=Stage.TLS,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.TLS}),
    masks=("tls-handshake-alert", "tls-cert-untrusted", "stream-closed-without-error", "stream-not-authorized"),
    rivals=("tls-clock-skew",),
    said=(
        SaidSign(
            topic=Topic.TLS_FAILED,
            conditions=(
                "certificate-expired",
                "certificate-future",
            ),
        ),
    ),
    explanation=(
        "A certificate of the handshake is not valid at the time of the capture.\n"
        "A server that checks certificates refuses it; one that does not goes on and authenticates by dialback.\n"
        "It may be the server's own certificate or one of its chain."
    ),
    remedy="Renew the certificate, install it, and restart what serves it: many servers go on with the old one.",
    sources=(rfc(5280, "4.1.2.5"), rfc(6120, "13.7.2"), note("Prosody mod_s2s_auth_certs, has expired")),
    predicate=predicate,
)
