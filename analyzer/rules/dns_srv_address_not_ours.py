"""Rule: DNS names a public address for our domain that is not the one at which our server is reached."""

from collections.abc import Mapping

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.connection import Connection
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A peer got an address for a local domain where nothing answered, while our server is reached at another."""
    for found in session.resolutions:
        if not found.failed or not case.is_local(found.domain) or case.is_local(found.asker) or not found.connections:
            continue
        public = [a for a in found.addresses if not is_private(a)]
        if not public:
            continue
        doors = _doors(case, found.domain)
        if not doors or any(a in doors for a in public):
            continue
        tried = found.connections[0]
        door, proof = sorted(doors.items())[0]
        answers = tuple(k.answer for k in found.lookups if k.addresses and k.answer)
        return Match(
            events=(*answers, *tried.syns, *proof.events[:2]),
            because=(
                f"DNS gave {found.asker} {', '.join(public)} for {found.domain}, where {end_text(tried.server)} "
                f"came to "
                f"{tried.outcome}; our server is reached at {door}"
            ),
            connection=tried.id,
            domain=found.domain,
            undecided=(
                ("network-inbound-no-nat", f"the firewall's translations: whether {public[0]} is meant for the server"),
            ),
            remedy=f"publish {door} for {found.domain}, or translate {public[0]} to its server as well",
        )
    return None


@once
def _doors(case: CaseView, domain: str) -> Mapping[str, Connection]:
    """Public addresses that lead to a domain's server, each with the last conversation that shows it.

    Only an inbound conversation does: the address that outbound ones are given may be another by design.
    """
    found = {}
    for connection in case.connections:
        ends = {s.server[0] for s in connection.sightings}
        if connection.accepted and len(ends) > 1 and ends & case.hosts.get(domain, frozenset()):
            found.update({outer: connection for outer in ends if not is_private(outer)})
    return found


RULE = Rule(
    title="The published address is not ours",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS, Stage.CONNECT}),
    masks=(
        "network-syn-unanswered",
        "network-connection-refused",
        "network-callback-blocked",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("network-inbound-no-nat",),
    explanation=(
        "Peers find in DNS an address at which nothing answers for the domain, while another public address is "
        "translated\n"
        "to its server. The zone and the static translation disagree: an old address, a typing error, or a second site."
    ),
    remedy="Let the A record and the static translation name the same address.",
    sources=(cisco("116339", "troubleshooting step 1"), rfc(6120, "3.2.1")),
    predicate=predicate,
)
