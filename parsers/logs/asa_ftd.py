"""The connection events of FTD (430001 to 430005): `Key: Value` pairs, the one firewall log that shows DNS answers.

Grammar: Cisco Secure Firewall Threat Defense Syslog Messages, "Security Event Syslog Messages". Knows no header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from parsers.events import DnsAnswer, DnsQuery, Event, FirewallLog, Flow
from parsers.logs.words import address
from parsers.names import domain

FTD = frozenset({"430001", "430002", "430003", "430004", "430005"})
"""Ids of these messages."""

_PAIR = re.compile(r"(?:^|, )([A-Z]\w+): (.*?)(?=, [A-Z]\w+: |$)")
_TYPES = {
    "a host address": "A",
    "ip6 address": "AAAA",
    "server selection": "SRV",
    "the canonical name for an alias": "CNAME",
}
"""Record types in FTD's words."""
_RCODES = {"no error": 0, "server failure": 2, "non-existent domain": 3, "query refused": 5}
"""Response codes in FTD's words."""
_ABOUT_US = ("_xmpp-server.", "_xmpps-server.")
"""Questions about federation; of the others FTD logs many."""


def ftd(text: str, ports: frozenset[int], everything: bool) -> Iterator[tuple[type[Event], Mapping[str, Any]]]:
    """What a connection event tells: a DNS question with its answer, a connection, a refusal."""
    told = dict(_PAIR.findall(text))
    flow = _flow(told)
    if name := told.get("DNSQuery"):
        name = domain(name)
        if not everything and not name.startswith(_ABOUT_US):
            return
        rrtype = _TYPES.get(told.get("DNSRecordType", "").lower(), told.get("DNSRecordType", "") or "?")
        yield DnsQuery, {"flow": flow, "txid": -1, "name": name, "rrtype": rrtype}
        rcode = _RCODES.get(told.get("DNSResponseType", "No Error").lower(), -1)
        fields = {
            "txid": -1,
            "name": name,
            "rrtype": rrtype,
            "rcode": rcode,
            "authoritative": False,
            "truncated": False,
        }
        answered = flow.reverse if flow is not None else None
        yield DnsAnswer, {**fields, "flow": answered, "answers": (), "records_told": rcode != 0}
        return
    if flow is None or not (everything or {flow.src_port, flow.dst_port} & ports):
        return
    blocked = "block" in told.get("AccessControlRuleAction", "").lower()
    yield (
        FirewallLog,
        {
            "action": "deny" if blocked else "other",
            "real": flow,
            "interfaces": tuple(told[k] for k in ("IngressInterface", "EgressInterface") if k in told),
            "reason": told.get("AccessControlRuleReason") or told.get("AccessControlRuleAction"),
            "rule": told.get("AccessControlRuleName") or told.get("ACPolicy"),
        },
    )


def _flow(told: Mapping[str, str]) -> Flow | None:
    """The two ends, from who opened the connection."""
    ports = [told.get(name, "") for name in ("SrcPort", "DstPort")]
    if not all(p.isdecimal() and int(p) <= 65535 for p in ports) or "SrcIP" not in told or "DstIP" not in told:
        return None
    return Flow(
        src_ip=address(told["SrcIP"]),
        src_port=int(ports[0]),
        dst_ip=address(told["DstIP"]),
        dst_port=int(ports[1]),
        proto="udp" if told.get("Protocol", "").lower() == "udp" else "tcp",
    )
