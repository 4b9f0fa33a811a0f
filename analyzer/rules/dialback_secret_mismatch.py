"""Rule: one of our servers disowns a key that another of our servers made."""

from analyzer.addresses import is_private
from analyzer.citations import cisco, xep
from analyzer.connection import Connection
from analyzer.rule import Confidence, Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage, is_told
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A disowned key whose claimant lives where DNS says that the domain lives, or is a host that we captured on."""
    for key in session.dialbacks:
        step = key.step_into("DISOWNED")
        if step is None or key.request is None or key.verify is None:
            continue
        stream, callback = case.connection(key.asked_on), case.connection(key.verified_on)
        if stream is None or callback is None or not _is_own(stream, callback, key.sender_domain, case):
            continue
        nodes = _two_nodes(stream, callback, key.sender_domain)
        if nodes is None:
            because = f"{key.sender_domain} disowned the key that a server of its own had sent to {key.target_domain}"
        else:
            because = (
                f"{nodes[1]} disowned the key that {nodes[0]}, also {key.sender_domain}, sent to {key.target_domain}"
            )
        two_places = len(stream.vantages | callback.vantages) > 1
        return Match(
            events=(step.event, key.verify, key.request, *((key.answer,) if key.answer is not None else ())),
            because=because,
            connection=key.asked_on,
            domain=key.sender_domain,
            owner=owner_of(key.sender_domain, case),
            confidence=Confidence.PROVEN if nodes is not None and two_places else Confidence.LIKELY,
            ruled_out=(("hosting-unexpected-callback", "the key was sent by a server of the domain itself"),),
            undecided=()
            if nodes is not None
            else (("dialback-wrong-id", f"the log of {key.sender_domain}: was it restarted in between?"),),
            severity=Severity.DEGRADED if session.authenticated else None,
        )
    return None


def _is_own(stream: Connection, callback: Connection, domain: str, case: CaseView) -> bool:
    """Whether the claimant is a server of the domain, by its address at any place where it was seen: one that DNS
    publishes, or the very one that was asked.
    """
    addresses = {s.client[0] for s in stream.sightings if is_told(s.client[0])}
    # Its own log does not show it: whoever speaks in another's name writes one as well.
    if addresses & (case.published(domain) | {s.server[0] for s in callback.sightings}):
        return True
    homes = {a for c in case.coverage.values() for a in c.home}
    return case.is_local(domain) and any(is_private(a) and a in homes for a in addresses)


def _two_nodes(stream: Connection, callback: Connection, domain: str) -> tuple[str, str] | None:
    """Address of who sent the key and of who was asked, where one place or their own logs show two hosts."""
    asked = {s.tap: s.server[0] for s in callback.sightings if is_told(s.server[0])}
    for sighting in stream.sightings:
        other = asked.get(sighting.tap)
        if other is not None and is_told(sighting.client[0]) and other != sighting.client[0]:
            return sighting.client[0], other
    sent, told = _own_addresses(stream, domain), _own_addresses(callback, domain)
    return (min(sent), min(told)) if sent and told and not sent & told else None


def _own_addresses(connection: Connection, domain: str) -> set[str]:
    """The addresses of a conversation's end that the logs of a domain's own servers name."""
    ends = (t.sighting.client if t.outgoing else t.sighting.server for t in connection.told if t.teller == domain)
    return {address for address, _ in ends if is_told(address)}


RULE = Rule(
    title="Two servers of the domain have different dialback secrets",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-invalid", "stream-not-authorized", "stream-closed-without-error"),
    rivals=("hosting-unexpected-callback", "dialback-wrong-id", "hosting-cluster-settings-differ"),
    explanation=(
        "The key came from a server of the domain, and a server of the domain said that it is none of its keys.\n"
        "A key is made from a secret; all nodes that speak for one domain need the same.\n"
        "The peer asks the node that DNS or a translation leads it to, which need not be the one that sent."
    ),
    remedy=(
        "Set the same dialback secret on all nodes and clusters, and restart what must be restarted.\n"
        "Until then let one node alone do federation."
    ),
    sources=(
        xep(220, "2.2.2"),
        xep(185),
        cisco("Interdomain Federation Guide 12.5(1)SU3", "troubleshooting"),
    ),
    predicate=predicate,
)
