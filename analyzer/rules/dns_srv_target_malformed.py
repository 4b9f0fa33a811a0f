"""Rule: the SRV record names something that cannot be a host: an address, or a name with its zone twice."""

from ipaddress import ip_address

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

ZONE_LABELS_MIN = 2
"""A zone that a name ends in twice has two labels at least: `x.com.com` may be a name."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A target is an address literal, or ends in the same zone twice, and led nowhere."""
    for found in session.resolutions:
        for record in found.targets:
            fault = _fault(record.data)
            if fault is None:
                continue
            if found.addresses_of(record.data):
                continue
            denied = tuple(k.answer for k in found.denied(record.data) if k.answer)
            sole = all(_fault(r.data) for r in found.targets)
            return Match(
                events=(*(k.answer for k in found.srv_with("answered") if k.answer), *denied),
                because=f"the SRV record of {found.domain} names {record.data}, {fault}",
                domain=found.domain,
                severity=None if found.failed and sole else Severity.DEGRADED,
                remedy=(
                    f"correct the target in the zone of {found.domain}: a host name, written in full with a dot "
                    f"at its end"
                ),
            )
    return None


def _fault(target: str) -> str | None:
    """What is wrong with a target; None when it could be a host."""
    if _is_address(target):
        return "which is an address, where a host name must stand"
    labels = target.split(".")
    for size in range(ZONE_LABELS_MIN, len(labels) // 2 + 1):
        if labels[-size:] == labels[-2 * size : -size]:
            return f"which ends in {'.'.join(labels[-size:])} twice: the dot at its end is missing in the zone"
    return None


def _is_address(target: str) -> bool:
    """Nearly no target is one, and to be told so by an exception is what takes time."""
    if ":" not in target and not target.replace(".", "").isdigit():
        return False
    try:
        ip_address(target)
    except ValueError:
        return False
    return True


RULE = Rule(
    title="The SRV record names no possible host",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=(
        "dns-srv-target-no-address",
        "dialback-callback-absent",
        "dialback-result-error",
        "dialback-result-invalid",
        "dialback-result-timeout",
        "dialback-authoritative-unreachable",
        "stream-remote-connection-failed",
    ),
    rivals=("dns-srv-target-no-address",),
    explanation=(
        "The target of an SRV record must be a host name. Here an address stands in its place, or the name ends "
        "in its zone twice.\n"
        "A name in a zone file without a dot at its end has the zone appended: `host.example.com` becomes\n"
        "`host.example.com.example.com`."
    ),
    remedy="Correct the target in the zone file: the host's full name with a dot at its end, never an address.",
    sources=(rfc(2782), rfc(1035, "5.1"), note("general knowledge of zone files")),
    predicate=predicate,
)
