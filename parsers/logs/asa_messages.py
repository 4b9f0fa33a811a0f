"""The messages of a Cisco ASA by their id: what each says of a connection, as fields of `FirewallLog`.

Grammar: Cisco Secure Firewall ASA Series Syslog Messages, one entry for each id. Knows no header, no clock, no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from parsers.events import Flow
from parsers.logs.words import address

Fields = Mapping[str, Any]
"""Fields of `FirewallLog`."""
Reader = Callable[[str], "Fields | None"]
"""Reads the text of a message; None where it is not as the guide says."""

DNS_PORT = 53
"""What is refused on it is told as well."""
_PORT_NAMES = {"domain": 53, "http": 80, "www": 80, "https": 443, "ssh": 22, "telnet": 23, "smtp": 25, "sip": 5060}
"""Ports that a device prints by name, as far as they matter to tell them from others."""
_SERVER_PORT_MAX = 32767
"""Below it lie the ports of services, above it those that clients are given (RFC 6335 section 6)."""


def _end(n: int, *, port: str = "/") -> str:
    """An end as `INTERFACE:ADDRESS/PORT`, a user behind it; IPv6 has colons, so the interface ends at the first."""
    return rf"(?P<if{n}>[^\s:/]+):(?P<ip{n}>[^\s/()]+){port}(?P<port{n}>[\w-]+)(?:\s?\([^)]*\))?"


def _bare(n: int) -> str:
    """An end as `ADDRESS/PORT`."""
    return rf"(?P<ip{n}>[^\s/()]+)/(?P<port{n}>[\w-]+)"


def _mapped(n: int) -> str:
    """An end with its translation in brackets: `INTERFACE:ADDRESS/PORT (ADDRESS/PORT)`."""
    return (
        rf"(?P<if{n}>[^\s:/]+):(?P<ip{n}>[^\s/()]+)/(?P<port{n}>\d+) ?"
        rf"\((?P<mip{n}>[^\s/()]+)/(?P<mport{n}>\d+)\)(?:\s?\([^)]*\))?"
    )


def _port(text: str | None) -> int:
    """A port's number; 0 for one that is not told or whose name is not known."""
    if text is None:
        return 0
    number = int(text) if text.isdecimal() else _PORT_NAMES.get(text.lower(), 0)
    return number if number <= 65535 else 0


def _proto(groups: Mapping[str, str | None]) -> Literal["tcp", "udp"]:
    return "udp" if (groups.get("proto") or "tcp").lower() == "udp" else "tcp"


def _flow(groups: Mapping[str, str | None], prefix: str = "", *, turned: bool = False) -> Flow:
    """The flow from end 1 to end 2, or back."""
    one = (address(groups[f"{prefix}ip1"] or ""), _port(groups.get(f"{prefix}port1")))
    two = (address(groups[f"{prefix}ip2"] or ""), _port(groups.get(f"{prefix}port2")))
    src, dst = (two, one) if turned else (one, two)
    return Flow(src_ip=src[0], src_port=src[1], dst_ip=dst[0], dst_port=dst[1], proto=_proto(groups))


def _interfaces(groups: Mapping[str, str | None], *, turned: bool = False) -> tuple[str, ...]:
    names = [groups.get("if1"), groups.get("if2")]
    return tuple(name for name in (reversed(names) if turned else names) if name)


def _duration_ns(text: str) -> int:
    """`H:MM:SS`, as a teardown prints it."""
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 10**9


_BUILT = re.compile(
    r"Built (?P<direction>inbound|outbound) (?P<proto>TCP|UDP) connection (?P<number>\d+) "
    rf"for {_mapped(1)} to {_mapped(2)}"
)
_TEARDOWN = re.compile(
    rf"Teardown (?P<proto>TCP|UDP) connection (?P<number>\d+) for {_end(1)} to {_end(2)} "
    r"duration (?P<duration>\d+:\d\d:\d\d) bytes (?P<bytes>\d+)"
    r"(?: (?P<reason>(?!\()[^(]+?))?(?: from (?P<side>\S+))?(?: \(.*)?\s*$"
)


def _built(text: str) -> Fields | None:
    """302013, 302015: the end of lower security stands first, whoever began; `outbound` says that it did not."""
    found = _BUILT.match(text)
    if found is None:
        return None
    groups = found.groupdict()
    turned = groups["direction"] == "outbound"
    return {
        "action": "built",
        "connection": groups["number"],
        "direction": groups["direction"],
        "interfaces": _interfaces(groups, turned=turned),
        "real": _flow(groups, turned=turned),
        "mapped": _flow(groups, "m", turned=turned),
    }


def _teardown(text: str) -> Fields | None:
    """302014, 302016: who began is not told; the lower port is taken for the server's."""
    found = _TEARDOWN.match(text)
    if found is None:
        return None
    groups = found.groupdict()
    one, two = _port(groups["port1"]), _port(groups["port2"])
    turned = one <= _SERVER_PORT_MAX and one < two
    reason = groups["reason"]
    return {
        "action": "teardown",
        "connection": groups["number"],
        "interfaces": _interfaces(groups, turned=turned),
        "real": _flow(groups, turned=turned),
        "reason": f"{reason} from {groups['side']}" if reason and groups["side"] else reason,
        "bytes_len": int(groups["bytes"]),
        "duration_ns": _duration_ns(groups["duration"]),
    }


def _says(pattern: str, action: str, reason: str | None = None) -> Reader:
    """A message with two ends, of which group names tell the rest: `rule`, `reason`, `flags`, `interface`."""
    compiled = re.compile(pattern, re.I)

    def read(text: str) -> Fields | None:
        found = compiled.match(text)
        if found is None:
            return None
        groups = found.groupdict()
        told = groups.get("reason") or reason
        return {
            "action": action,
            "interfaces": _interfaces(groups) or ((groups["interface"],) if groups.get("interface") else ()),
            "real": _flow(groups) if groups.get("ip1") and groups.get("ip2") else None,
            "reason": told.strip(" .") if told else None,
            "flags": " ".join(groups["flags"].split()) if groups.get("flags") else None,
            "rule": groups.get("rule"),
        }

    return read


def _translation(pattern: str, action: str) -> Reader:
    """A translation of one address, or of one port of it."""
    compiled = re.compile(pattern)

    def read(text: str) -> Fields | None:
        found = compiled.match(text)
        if found is None:
            return None
        groups = found.groupdict()
        inside, outside = address(groups["ip1"] or ""), address(groups["ip2"] or "")
        one, two = _port(groups.get("port1")), _port(groups.get("port2"))
        proto = _proto(groups)
        return {
            "action": action,
            "interfaces": _interfaces(groups),
            # One end only: what it speaks to is not told.
            "real": Flow(src_ip=inside, src_port=one, dst_ip="", dst_port=0, proto=proto),
            "mapped": Flow(src_ip=outside, src_port=two, dst_ip="", dst_port=0, proto=proto),
            "reason": groups.get("reason"),
        }

    return read


_ON = r"(?: +on interface (?P<interface>\S+))?"
_FLAGS = r"flags (?P<flags>[A-Z ]+?)"
_SRC_DST = rf"(?:src )?{_end(1)} (?:dst )?{_end(2)}"
_ACCESS_LIST = (
    r"access-list (?P<rule>\S+) {verdict} (?P<proto>\w+) (?P<if1>[^\s/]+)/(?P<ip1>[^\s()]+)\((?P<port1>[\w-]+)\)\S*"
    r" -> (?P<if2>[^\s/]+)/(?P<ip2>[^\s()]+)\((?P<port2>[\w-]+)\)"
)
_DENIED = _says(_ACCESS_LIST.format(verdict="denied"), "deny", "access-list")
_PERMITTED = _says(_ACCESS_LIST.format(verdict="(?:permitted|est-allowed)"), "other", "permitted")


def _access_list(text: str) -> Fields | None:
    """106100: an access list's entry with `log`."""
    return _DENIED(text) or _PERMITTED(text)


def _event_of_all(action: Literal["other", "teardown"]) -> Reader:
    """A message about the firewall as a whole; its words are the reason."""

    def read(text: str) -> Fields | None:
        return {"action": action, "reason": text.strip()[:200]}

    return read


MESSAGES: Mapping[str, Reader] = {
    "302013": _built,
    "302014": _teardown,
    "302015": _built,
    "302016": _teardown,
    "106001": _says(
        rf"Inbound TCP connection denied from {_bare(1)} to {_bare(2)} {_FLAGS}{_ON}\s*$",
        "deny",
        "no rule permits it",
    ),
    "106006": _says(rf"Deny inbound (?P<proto>UDP) from {_bare(1)} to {_bare(2)}{_ON}", "deny"),
    "106007": _says(rf"Deny inbound (?P<proto>UDP) from {_bare(1)} to {_bare(2)} due to (?P<reason>DNS \w+)", "deny"),
    "106010": _says(rf"Deny inbound (?P<proto>\w+) {_SRC_DST}", "deny", "no rule permits it"),
    "106015": _says(
        rf"Deny TCP \(no connection\) from {_bare(1)} to {_bare(2)} {_FLAGS}{_ON}\s*$",
        "deny",
        "no connection",
    ),
    "106017": _says(r"Deny IP due to (?P<reason>Land Attack) from (?P<ip1>\S+) to (?P<ip2>\S+)", "deny"),
    "106021": _says(
        rf"Deny (?P<proto>\w+) (?P<reason>reverse path check) from (?P<ip1>\S+) to (?P<ip2>\S+){_ON}",
        "deny",
    ),
    "106023": _says(
        rf"Deny (?P<proto>tcp|udp) {_SRC_DST}(?: \(type \d+, code \d+\))? by access-group \"?(?P<rule>[^\"\s]+)\"?",
        "deny",
        "access-group",
    ),
    "106100": _access_list,
    "110002": _says(
        rf"Failed to locate egress interface for (?P<proto>\w+) from {_end(1)} to {_bare(2)}",
        "deny",
        "no egress interface",
    ),
    "110003": _says(
        rf"Routing failed to locate next hop for (?P<proto>\w+) from {_end(1)} to {_end(2)}", "deny", "no next hop"
    ),
    "201011": _says(
        rf"(?P<reason>Connection limit exceeded \S+) for \w+ packet from {_bare(1)} to {_bare(2)}{_ON}",
        "deny",
    ),
    "305005": _says(rf"No translation group found for (?P<proto>\w+) {_SRC_DST}", "deny", "no translation group found"),
    "305006": _says(rf"(?P<reason>\w+(?: \w+)? translation creation failed) for (?P<proto>\w+) {_SRC_DST}", "deny"),
    "305009": _translation(
        r"Built (?P<reason>static|dynamic) translation from (?P<if1>[^\s:]+):(?P<ip1>[^\s/()]+)(?:\([^)]*\))? to "
        r"(?P<if2>[^\s:(]+)(?:\([^)]*\))?:(?P<ip2>[^\s/()]+)",
        "translation",
    ),
    "305011": _translation(
        rf"Built (?P<reason>static|dynamic) (?P<proto>TCP|UDP) translation from {_end(1)} to {_end(2)}", "translation"
    ),
    "305013": _says(
        rf"(?P<reason>Asymmetric NAT rules matched)[^;]*; Connection (?:for )?(?P<proto>\w+) {_SRC_DST}", "deny"
    ),
    "401004": _says(
        r"(?P<reason>Shunned) packet: (?P<ip1>\S+) ==> (?P<ip2>\S+) on interface (?P<interface>\S+)", "deny"
    ),
    "410001": _says(rf"Dropped (?P<proto>UDP) DNS \w+ from {_end(1)} to {_end(2)}; (?P<reason>.+)", "deny"),
    "419002": _says(
        rf"(?P<reason>Duplicate TCP SYN) from {_end(1)} to {_end(2)} with different initial sequence number", "other"
    ),
    "507003": _says(
        rf"(?P<proto>tcp|udp) flow from {_end(1)} to {_end(2)} "
        r"terminated by (?P<reason>inspection engine, reason - .+)",
        "teardown",
    ),
    "710003": _says(
        rf"(?P<proto>TCP|UDP) access denied by ACL from {_bare(1)} to {_end(2)}", "deny", "to the firewall itself"
    ),
    "710005": _says(
        rf"(?P<proto>TCP|UDP) request discarded from {_bare(1)} to {_end(2)}", "deny", "to the firewall itself"
    ),
    "313005": _says(
        r"(?P<reason>No matching connection for ICMP error message).*"
        rf"Original IP payload: (?P<proto>tcp|udp) src {_bare(1)} dst {_bare(2)}",
        "other",
    ),
    "104001": _event_of_all("other"),
    "104002": _event_of_all("other"),
    "733100": _event_of_all("other"),
    "733102": _event_of_all("other"),
}
"""How each message is read. Others are known by their id alone."""

_COMMON = {"302013", "302014", "302015", "302016", "106100", "305011", "106015", "313005", "419002"}
PROBLEMS = frozenset(MESSAGES) - _COMMON
"""Messages that are looked at also where no federation port stands in them: refusals of DNS, and what befell all."""
DENIALS = frozenset({"106023", "106001", "106006", "106010", "710003", "710005"})
"""Of these the common ones, which are passed over unless they are about DNS."""
DNS_NEEDLE = f"/{DNS_PORT} "
"""How the port of DNS stands in them."""
