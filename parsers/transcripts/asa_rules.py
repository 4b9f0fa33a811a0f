"""The rules of a Cisco ASA or FTD: `show nat`, `show access-list`, and the lines of its configuration.

Rules about federation ports, translations for good and timeouts become settings and translations; the rest of a
configuration is passed over. Knows no packet and no connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from parsers.events import FirewallLog, Flow, Setting
from parsers.transcripts.reader import Block, Told, address, short

IP = r"[\da-fA-F.:]{2,45}"
"""An address in a line, to be looked at more closely."""
_NAMES = {
    **{"domain": 53, "www": 80, "http": 80, "https": 443, "ssh": 22, "telnet": 23, "smtp": 25, "sip": 5060},
    **{"aol": 5190, "ldap": 389, "ldaps": 636, "h323": 1720, "sqlnet": 1521, "ftp": 21, "ftp-data": 20},
}
"""Ports that a device prints by name, as far as they matter to tell them from others."""

_SECTION = re.compile(r"\s*(?:Manual|Auto) NAT Policies.*[(](?P<section>Section \d)[)]")
_NAT = re.compile(
    r"\s*(?P<number>\d{1,6}) [(](?P<if1>[\w-]+)[)] to [(](?P<if2>[\w-]+)[)] source (?P<kind>static|dynamic) "
    r"(?P<one>\S+) (?P<two>\S+)(?P<rest>.*)"
)
_DETAIL = re.compile(r"\s+(?:translate_hits|Source - |Destination - |Service - )")
_HITS = re.compile(r"\s*translate_hits = (?P<out>\d+), untranslate_hits = (?P<back>\d+)")
_SOURCE = re.compile(rf"\s*Source - Origin: (?P<one>{IP})(?P<mask1>/\d+)?, Translated: (?P<two>{IP})(?P<mask2>/\d+)?")
_SERVICE = re.compile(r"\s*Service - Protocol: (?P<proto>tcp|udp) Real: (?P<one>[\w-]+) Mapped: (?P<two>[\w-]+)")
_WHOLE = frozenset({None, "/32", "/128"})
"""Masks of one address."""

_ACL = re.compile(
    r"\s*access-list (?P<name>\S+) (?:line (?P<line>\d+) )?(?:(?:extended|advanced) )?"
    r"(?P<rule>(?:permit|deny) (?P<proto>\S+) .*?)(?: [(]hitcnt=(?P<hits>\d+)[)].*| 0x[\da-f]+)?\s*$"
)
_ACL_PORT = re.compile(r" (?P<word>eq|neq|gt|lt|range) (?P<one>[\w-]+)(?: (?P<two>\d+|[a-z][\w-]*))?")

_STATIC = re.compile(
    rf"\s*static [(](?P<if1>[\w-]+),(?P<if2>[\w-]+)[)] (?:(?P<proto>tcp|udp) (?P<ip2>{IP}) (?P<port2>[\w-]+) "
    rf"(?P<ip1>{IP}) (?P<port1>[\w-]+)|(?P<two>{IP}) (?P<one>{IP})) netmask 255\.255\.255\.255"
)
"""8.2 and earlier: the outside address stands first."""
_OBJECT = re.compile(r"\s*object network (?P<name>\S+)")
_OBJECT_HOST = re.compile(rf"\s+host (?P<ip>{IP})\s*$")
_OBJECT_NAT = re.compile(
    r"\s+nat [(](?P<if1>[\w-]+),(?P<if2>[\w-]+)[)] static (?P<two>\S+)"
    r"(?:.*? service (?P<proto>tcp|udp) (?P<port1>[\w-]+) (?P<port2>[\w-]+))?"
)
_TWICE_NAT = re.compile(
    r"\s*nat [(](?P<if1>[\w-]+),(?P<if2>[\w-]+)[)] (?:after-auto )?(?:\d+ )?source static (?P<one>\S+) (?P<two>\S+)"
)
_CONFIG = re.compile(
    r"\s*(?P<name>timeout (?:conn|xlate|pat-xlate)|access-group|port-object|service-object|service|inspect|nat|static)"
    r" (?P<value>.+)"
)

BEGINS = "|".join(
    (
        _SECTION.pattern,
        _NAT.pattern,
        r"\s*access-list \S+(?: line \d+)? (?:extended|standard|remark|advanced) |\s*access-list \S+; \d+ elements",
        _STATIC.pattern,
        r"object network \S+\s*$|access-group \S+ (?:in|out|global)|nat [(][\w-]+,[\w-]+[)] ",
    )
)
"""Lines that only such a device prints."""
LINES = "|".join(
    (
        _DETAIL.pattern,
        _CONFIG.pattern,
        r"\s+(?:host|nat|subnet|range|description|fqdn|port-object|network-object|service-object) ",
        r"\s*access-list |: Saved|!|object(?:-group)? \w+ ",
    )
)
"""… and its other lines about rules."""


def port(text: str | None) -> int:
    """A port's number; 0 for one that is not told or whose name is not known."""
    number = int(text) if text and text.isdecimal() else _NAMES.get((text or "").lower(), 0)
    return number if number <= 65535 else 0


def flow(src: tuple[str, int], dst: tuple[str, int], proto: str | None) -> Flow:
    """The flow from one end to another."""
    udp = (proto or "").lower() == "udp"
    return Flow(src_ip=src[0], src_port=src[1], dst_ip=dst[0], dst_port=dst[1], proto="udp" if udp else "tcp")


def translation(
    block: Block, line: int, message: str, groups: Mapping[str, Any], kind: str | None, text: str
) -> Iterator[Told]:
    """A translation of one end, `ip1` to `ip2`; one for a while matters only where it is of a federation port."""
    real, mapped = address(groups["ip1"] or ""), address(groups["ip2"] or "")
    one, two = port(groups.get("port1")), port(groups.get("port2"))
    if real is None or mapped is None or real == mapped:
        return
    if not block.federates(one, two) and (one or two or kind == "dynamic"):
        return
    proto = groups.get("proto")
    fields = {
        "action": "translation",
        "message_id": message,
        "interfaces": tuple(name for name in (groups.get("if1"), groups.get("if2")) if name),
        # One end only: what it speaks to is not told.
        "real": flow((real, one), ("", 0), proto),
        "mapped": flow((mapped, two), ("", 0), proto),
        "reason": kind,
        "rule": groups.get("rule"),
        "text": short(text),
    }
    yield Told(line, FirewallLog, fields)


class Rules:
    """The rules of one block, read line by line."""

    def __init__(self, block: Block) -> None:
        """`block` says which ports matter."""
        self._block = block
        self._section = ""
        self._nat: dict[str, Any] = {}
        self._object = ""
        self._hosts: dict[str, str] = {}

    def read(self, line: int, text: str) -> Iterator[Told]:
        """What a line tells; a rule of `show nat` is told when the lines below it are read."""
        if self._nat and _DETAIL.match(text):
            self._detail(text)
            return
        yield from self.end()
        if found := _SECTION.match(text):
            self._section = found["section"]
        elif found := _NAT.match(text):
            self._nat = {"line": line, "text": text, **found.groupdict()}
        elif found := _ACL.match(text):
            yield from self._acl(line, found)
        elif found := _OBJECT.match(text):
            self._object = found["name"]
        elif (found := _OBJECT_HOST.match(text)) and self._object:
            self._hosts[self._object] = found["ip"]
        elif ends := self._configured(text):
            yield from translation(self._block, line, "running-config", ends, "static", text)
        elif found := _CONFIG.match(text):
            ports = {int(word) for word in re.findall(r"\b\d{2,5}\b", found["value"])}
            if found["name"].startswith(("timeout", "access-group")) or self._block.federates(*ports):
                yield Told(line, Setting, {"name": found["name"], "value": short(found["value"])})

    def _configured(self, text: str) -> dict[str, Any] | None:
        """The ends that a line of the configuration translates for good."""
        if found := _STATIC.match(text):
            return {**found.groupdict(), "ip1": found["ip1"] or found["one"], "ip2": found["ip2"] or found["two"]}
        if (found := _OBJECT_NAT.match(text)) and self._object:
            mapped = self._hosts.get(found["two"], found["two"])
            return {**found.groupdict(), "ip1": self._hosts.get(self._object), "ip2": mapped}
        if found := _TWICE_NAT.match(text):
            return {**found.groupdict(), "ip1": self._hosts.get(found["one"]), "ip2": self._hosts.get(found["two"])}
        return None

    def _detail(self, text: str) -> None:
        """A line below a rule of `show nat`."""
        rule = self._nat
        if found := _HITS.match(text):
            rule["hits"] = f", translate_hits = {found['out']}, untranslate_hits = {found['back']}"
        elif (found := _SOURCE.match(text)) and {found["mask1"], found["mask2"]} <= _WHOLE:
            rule["one"], rule["two"] = found["one"], found["two"]
        elif found := _SERVICE.match(text):
            rule["proto"], rule["port1"], rule["port2"] = found["proto"], found["one"], found["two"]

    def end(self) -> Iterator[Told]:
        """The rule of `show nat` whose lines are read."""
        rule, self._nat = self._nat, {}
        if not rule:
            return
        name = " ".join(filter(None, ("nat", self._section.lower(), f"rule {rule['number']}")))
        ends = f"({rule['if1']}) to ({rule['if2']}) source {rule['kind']} {rule['one']} {rule['two']}"
        # Hits before the rest: a description may be long.
        value = short(f"{ends}{rule.get('hits', '')}{rule['rest']}")
        yield Told(rule["line"], Setting, {"name": name, "value": value})
        groups = {**rule, "ip1": rule["one"], "ip2": rule["two"], "rule": name}
        yield from translation(self._block, rule["line"], "show nat", groups, rule["kind"], rule["text"])

    def _acl(self, line: int, found: re.Match[str]) -> Iterator[Told]:
        """An entry of an access list, where it can be about federation."""
        if self._block.everything or (found["proto"] in ("tcp", "ip") and self._covers(found["rule"])):
            name = f"access-list {found['name']}" + (f" line {found['line']}" if found["line"] else "")
            hits = f" hitcnt={found['hits']}" if found["hits"] is not None else ""
            yield Told(line, Setting, {"name": name, "value": short(found["rule"]) + hits})

    def _covers(self, rule: str) -> bool:
        """Whether an entry holds a federation port; one that names none holds all."""
        named = list(_ACL_PORT.finditer(rule))
        if not named:
            return True
        # Those of the source stand first, and a client has any.
        ports = named[-1]
        one, two = port(ports["one"]), port(ports["two"])
        holds = {
            "eq": range(one, one + 1),
            "neq": [p for p in self._block.ports if p != one],
            "gt": range(one + 1 if one else 65536, 65536),
            "lt": range(one),
            "range": range(one or 65536, two + 1),
        }[ports["word"]]
        return any(p in holds for p in self._block.ports)
