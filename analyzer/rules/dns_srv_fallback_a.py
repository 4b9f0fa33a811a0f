"""Rule: without an SRV record the server tried the domain's own address, and XMPP does not live there."""

from analyzer.citations import rfc
from analyzer.connection import Connection
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView

FEDERATION = 5269
"""The port of the fallback (RFC 6120 section 3.2.2)."""
STRANGER = ("host-unknown", "host-gone", "invalid-namespace")
"""Stream errors of an XMPP server that is not the domain's."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """No SRV record, then the domain's address, then a connection to it that led to no server of the domain."""
    for found in session.resolutions:
        if found.srv_outcome not in ("nxdomain", "empty", "servfail", "refused", "unanswered") or session.authenticated:
            continue
        for connection in found.tried(found.domain, FEDERATION):
            if not _failed(connection) or (connection.unanswered and case.missing_at(connection)):
                continue
            srv = found.srv_lookups[0]
            address = next(
                (k.answer for k in found.lookups if k.name == found.domain and k.addresses and k.answer), None
            )
            events = (*(e for e in (srv.answer, address) if e), *connection.events[:2])
            return Match(
                events=events,
                because=(
                    f"{srv.name} gave nothing ({srv.outcome}), so {found.asker} tried the address of "
                    f"{found.domain} itself; "
                    f"{end_text(connection.server)} came to {connection.outcome}"
                ),
                connection=connection.id,
                domain=found.domain,
                confidence=Confidence.POSSIBLE if connection.unanswered else Confidence.LIKELY,
                undecided=(
                    (("network-syn-unanswered", "a capture outside the firewall: whether the SYN leaves"),)
                    if connection.unanswered
                    else ()
                ),
                remedy=f"publish: _xmpp-server._tcp.{found.domain}. IN SRV 0 0 5269 the-server-of-{found.domain}.",
            )
    return None


def _failed(connection: Connection) -> bool:
    """Whether no server of the domain was there."""
    if not connection.accepted or connection.not_xmpp is not None:
        return True
    return connection.error is not None and connection.error.condition in STRANGER


RULE = Rule(
    title="The fallback to the domain's own address led nowhere",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS, Stage.CONNECT}),
    masks=(
        "dns-srv-nxdomain",
        "dns-srv-nodata",
        "dns-srv-servfail",
        "dns-srv-refused",
        "dns-srv-timeout",
        "network-syn-unanswered",
        "network-connection-refused",
        "network-service-not-listening",
        "stream-not-xmpp",
        "stream-host-unknown",
        "hosting-target-not-provisioned",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-timeout",
    ),
    rivals=("dns-split-horizon", "network-syn-unanswered"),
    explanation=(
        "There was no SRV record to be had, so the server tried the address of the domain itself on port 5269, "
        "as it should.\n"
        "That address is mostly a web server: it refuses, stays silent, or speaks something else."
    ),
    remedy="Publish an SRV record for `_xmpp-server._tcp.DOMAIN` that names the XMPP server.",
    sources=(rfc(6120, "3.2.2"),),
    predicate=predicate,
)
