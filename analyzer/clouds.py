"""Clouds that speak XMPP for other people's domains: what is known of each, and a record that leads there.

Knows names of hosts, not addresses; knows no rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.claims import belongs_to
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.rule import Confidence, Match, Severity
from analyzer.session import Session
from analyzer.view import CaseView


@dataclass(frozen=True, slots=True)
class Cloud:
    """One such service."""

    name: str
    """As people call it."""
    zones: tuple[str, ...]
    """Zones of the host names that it publishes for its XMPP service, and of its own domains."""


GOOGLE = Cloud("Google", ("google.com", "googlemail.com", "gmail.com"))
"""Google Talk and Google Apps: `xmpp-server.l.google.com` and its kin, in many public zones."""
WEBEX = Cloud("WebEx", ("webexconnect.com", "webex.com"))
"""WebEx Connect and WebEx Messenger (Cisco Jabber DNS guide)."""


def record_leads_to(cloud: Cloud, session: Session, case: CaseView) -> Match | None:
    """The SRV record of a local domain names hosts of the cloud alone."""
    for domain in (session.receiver, session.initiator):
        if not case.is_local(domain) or belongs_to(domain, cloud.zones):
            continue
        for lookup in _records(case, domain):
            targets = [r.data for r in lookup.srv]
            if lookup.answer is None or not all(belongs_to(t, cloud.zones) for t in targets):
                continue
            server = lookup.service == "_xmpp-server"
            named = ", ".join(dict.fromkeys(targets))
            return Match(
                events=(lookup.answer,),
                because=f"{lookup.name} names {named}: peers of {domain} go to {cloud.name}",
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


@once
def _records(case: CaseView, domain: str) -> tuple[Lookup, ...]:
    """What was told of the services of a domain, each time that it differs the first."""
    told: dict[tuple[object, ...], Lookup] = {}
    for lookup in case.lookups_of(domain, ("_xmpp-server", "_xmpp-client")):
        if lookup.answer is not None and lookup.srv:
            told.setdefault((lookup.service, *(r.data for r in lookup.srv)), lookup)
    return tuple(told.values())


def _severity(session: Session, server: bool) -> Severity | None:
    """A failure only where the attempt failed and the record is the one that servers ask for."""
    if not server:
        return Severity.NOTE
    return Severity.DEGRADED if session.authenticated or session.ciphertext else None
