"""What people found by hand, and what a firewall shows of itself: answers to the guide's steps that no capture gives.

A telnet proves TCP only, and a paste does not say where it was typed: the words say both.
Knows no layout and no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from analyzer.addresses import is_address, is_private
from analyzer.claims import belongs_to
from analyzer.firewall import hosts
from analyzer.signs import Sign, listed, together
from analyzer.view import CaseView
from parsers.events import FirewallLog, Probe
from parsers.source import FEDERATION_PORTS

_SAYS = {
    "open": "accepted, which proves TCP only",
    "refused": "refused",
    "timeout": "no answer",
    "unresolved": "the name has no address",
    "denied": "the firewall says that it drops it",
    "failed": "it failed, the tool does not say how",
}


def by_hand(step: str, case: CaseView) -> Sign | None:
    """What was found by hand about a step of the guide; None where nothing was."""
    signs = _STEPS.get(step)
    if signs is None:
        return None
    found = together(signs(case), "")
    return found if found.says else None


def _address(probe: Probe) -> str | None:
    """Where a probe went; None for a name whose address it does not show."""
    return probe.target_ip or (probe.target if is_address(probe.target) else None)


def _ours(case: CaseView) -> frozenset[str]:
    """Addresses of our server: those that DNS publishes for it, and those to which the firewall translates what
    somebody tried inside.
    """
    tried = {a for p in case.probes if p.port in FEDERATION_PORTS and (a := _address(p)) and is_private(a)}
    translated = hosts(case.firewall)
    known = case.local_addresses.union(*(case.published(d) for d in case.local_domains))
    return known.union(*(translated.get(a, frozenset()) | case.nat.get(a, frozenset()) for a in tried))


def _peers(case: CaseView) -> tuple[tuple[str, ...], frozenset[str]]:
    """Domains of others, and their addresses."""
    names = tuple({name for s in case.sessions for name in (s.initiator, s.receiver) if not case.is_local(name)})
    return names, frozenset().union(*(case.published(d) | case.hosts.get(d, frozenset()) for d in names))


def _probes(case: CaseView) -> Iterator[tuple[Probe, bool]]:
    """The last probe of each target and port of federation by each tool, and whether it went to our server."""
    ours = _ours(case)
    last = {(p.tool, p.prompt, p.target, p.port): p for p in case.probes if p.port in FEDERATION_PORTS}
    for probe in last.values():
        address = _address(probe)
        named = belongs_to(probe.target, case.local_domains) if not is_address(probe.target) else False
        yield probe, named or address in ours or (address is not None and is_private(address))


def _sign(probe: Probe, caveat: str = "") -> Sign:
    """What a probe came to, as an answer."""
    at = f" at {probe.prompt}" if probe.prompt else ""
    says = f"{probe.tool} {probe.target} {probe.port}{at}: {_SAYS[probe.outcome]}{caveat}"
    return Sign("pass" if probe.outcome == "open" else "fail", probe.target, says, (probe,))


def _inside(case: CaseView) -> Iterator[Sign]:
    """Probes of our server's inside address."""
    for probe, is_ours in _probes(case):
        address = _address(probe)
        if is_ours and probe.tool != "packet-tracer" and address is not None and is_private(address):
            yield _sign(probe)


def _served(case: CaseView) -> Iterator[Sign]:
    """Probes of our server's inside address that were refused: what is accepted proves TCP only, and no service."""
    for sign, probe in ((s, e) for s in _inside(case) for e in s.events if isinstance(e, Probe)):
        if probe.outcome == "refused":
            yield sign


def _from_outside(case: CaseView) -> Iterator[Sign]:
    """Probes of our server's public address; and what the firewall says that it would do with one."""
    _, theirs = _peers(case)
    strangers: dict[str, Probe] = {}
    for probe, is_ours in _probes(case):
        address = _address(probe)
        if probe.tool == "packet-tracer":
            if is_ours and probe.outcome == "denied":
                yield _sign(probe)
        elif is_ours and address is not None and not is_private(address):
            yield _sign(probe, ", if it was typed outside")
        elif address is not None and address not in theirs and not is_private(address):
            strangers[address] = probe
    if strangers:
        says = (
            f"whether {listed(list(strangers))}, tried by hand, is our public address no source tells: an nslookup of "
            "our server's name would"
        )
        yield Sign("not-observed", "", says, tuple(strangers.values()))


def _to_peers(case: CaseView) -> Iterator[Sign]:
    """Probes of servers that are known to be others': an address of nobody's may be our own public one."""
    names, theirs = _peers(case)
    for probe, is_ours in _probes(case):
        known = _address(probe) in theirs or belongs_to(probe.target, names)
        if known and not is_ours and (probe.tool != "packet-tracer" or probe.outcome == "denied"):
            yield _sign(probe)


def _translations(case: CaseView) -> Iterator[Sign]:
    """What the firewall's own words lead to our server; and connections that it built to it."""
    ours = _ours(case)
    for line in case.firewall:
        pair = _pair(line)
        if pair is None:
            continue
        (real, port), (mapped, _) = pair
        if is_private(real) and not is_private(mapped) and (port in FEDERATION_PORTS or (real in ours and not port)):
            yield Sign("pass", real, f"the firewall says that {mapped} is translated to {real}", (line,))


def _pair(line: FirewallLog) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """The inside end of a line before and after translation; None where nothing is translated."""
    if line.real is None or line.mapped is None or line.action not in ("built", "translation"):
        return None
    for real, mapped in (
        ((line.real.dst_ip, line.real.dst_port), (line.mapped.dst_ip, line.mapped.dst_port)),
        ((line.real.src_ip, line.real.src_port), (line.mapped.src_ip, line.mapped.src_port)),
    ):
        if real[0] and mapped[0] and real[0] != mapped[0]:
            return real, mapped
    return None


_STEPS: Mapping[str, Callable[[CaseView], Iterator[Sign]]] = {
    "config-2": _translations,
    "config-5": _served,
    "verify-1": _from_outside,
    "verify-2": _inside,
    "trouble-2": _to_peers,
}
"""Steps of the guide that somebody may answer by hand."""
