"""Rule: DNS sends peers of our domain to WebEx."""

from analyzer.citations import cisco, rfc, xep
from analyzer.claims import belongs_to
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

ZONES = ("webexconnect.com", "webex.com")
"""Zones of the host names that WebEx published for its XMPP service."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """The SRV record of a local domain names hosts of WebEx."""
    for domain in (session.receiver, session.initiator):
        if not case.is_local(domain) or belongs_to(domain, ZONES):
            continue
        for lookup in case.lookups_of(domain, ("_xmpp-server", "_xmpp-client")):
            targets = [r.data for r in lookup.srv]
            if lookup.answer is None or not targets or not all(belongs_to(t, ZONES) for t in targets):
                continue
            server = lookup.service == "_xmpp-server"
            return Match(
                events=(lookup.answer,),
                because=f"{lookup.name} names {', '.join(dict.fromkeys(targets))}: peers of {domain} go to WebEx",
                domain=domain,
                confidence=Confidence.LIKELY if server else Confidence.POSSIBLE,
                severity=_severity(session, server),
                undecided=(
                    (
                        "dns-stale-or-negative-cache",
                        f"the authoritative server of {domain}: whether the record still stands",
                    ),
                ),
                remedy=f"publish: _xmpp-server._tcp.{domain}. IN SRV 0 0 5269 your-own-server.{domain}.",
            )
    return None


def _severity(session: Session, server: bool) -> Severity | None:
    """A failure only where the attempt failed and the record is the one that servers ask for."""
    if not server:
        return Severity.NOTE
    return Severity.DEGRADED if session.authenticated or session.ciphertext else None


RULE = Rule(
    title="The domain's record points to WebEx",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-elsewhere",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
        "stream-not-authorized",
        "network-syn-unanswered",
        "network-connection-refused",
    ),
    rivals=("hosting-domain-registered-at-webex", "dns-stale-or-negative-cache"),
    explanation=(
        "The SRV record of our domain names hosts of WebEx. Peers connect there to send to us, and ask there whether\n"
        "our dialback keys are right. The record is left over from a time when WebEx served the domain,\n"
        "or part of the domain's users still are there."
    ),
    remedy="Replace the SRV record by one that names your own server, and have WebEx release the domain.",
    sources=(rfc(6120, "3.2.1"), xep(220, "2.1.2"), cisco("Jabber DNS guide", "SRV records of cloud deployments")),
    predicate=predicate,
)
