"""Rule: DNS gives outsiders an address that only the inside can reach."""

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.rule import Confidence, Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """All addresses found are private, and who asked is outside, or asked about somebody else's domain."""
    for found in session.resolutions:
        if not found.failed or not found.addresses or not all(is_private(a) for a in found.addresses):
            continue
        # The record's own name: an address may stand beside the SRV answer, or at the end of an alias.
        lookup, owner = next(
            (k, r.name) for k in found.lookups for r in k.records if r.rrtype in ("A", "AAAA") and is_private(r.data)
        )
        outside = not is_private(lookup.client)
        foreign = bool(case.local_domains) and case.is_local(found.asker) and not case.is_local(found.domain)
        if not outside and not foreign:
            continue
        unreachable = [e for c in found.connections for e in (c.unreachable,) if e is not None]
        tried = [e for c in found.connections for e in c.syns]
        in_vain = f"; {len(tried)} SYN{'s' * (len(tried) > 1)} to it came to nothing" if tried else ""
        return Match(
            events=(*(e for e in (lookup.answer,) if e), *unreachable[:1], *tried),
            because=(
                f"DNS gave {found.asker} ({lookup.client}) the private address {', '.join(found.addresses)} for "
                f"{found.domain}{in_vain}"
            ),
            domain=found.domain,
            confidence=Confidence.PROVEN if outside and (unreachable or tried) else Confidence.LIKELY,
            undecided=() if outside else (("dns-split-horizon", f"the same question from outside: dig {owner} A"),),
            remedy=f"publish the public (translated) address: {owner}. IN A the-public-address-of-{found.domain}",
        )
    return None


RULE = Rule(
    title="A private address is published",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "network-syn-unanswered",
        "network-icmp-unreachable",
        "network-connection-refused",
        "network-callback-blocked",
        "network-far-side-block",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
        "stream-not-authorized",
    ),
    rivals=("dns-split-horizon",),
    explanation=(
        "The address that DNS gives for the domain's server is for inside use (RFC 1918, 6598, 4193), and the "
        "asker is outside.\n"
        "No packet from the Internet can reach it. The zone holds the server's own address where the address\n"
        "to which the firewall translates belongs. Inside the own network the same answer is normal (split DNS)."
    ),
    remedy="Publish the server's public address, the one that the firewall translates, in the public zone.",
    sources=(rfc(1918, "3"), rfc(6598), cisco("Interdomain Federation Guide 12.5(1)SU3")),
    predicate=predicate,
)
