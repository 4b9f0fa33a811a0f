"""One question of DNS and its answer, as nslookup, dig, host and Cisco's command line print them: fields become events.

Knows no prompt and no layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from parsers.events import DnsAnswer, DnsQuery, DnsRecord
from parsers.names import domain
from parsers.transcripts.reader import Told, address

RCODES = {
    **{"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5},
    **{"YXDOMAIN": 6, "YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10, "BADVERS": 16, "BADCOOKIE": 23},
}
"""Response codes by the words that tools print (RFC 1035 section 4.1.1, RFC 6895 section 2.3)."""
RECORDS_MAX = 256
"""Records of one answer that are told."""
TTL_MAX_S = 2**31 - 1
"""RFC 2181 section 8."""

UNREACHED = re.compile(
    r"\s*;; (?:connection timed out; )?no servers could be reached"
    r"|\s*;; (?:communications error to|UDP setup with|Connection to) (?P<server>[^\s#]+)#\d+"
)
"""What BIND's tools print when no answer came."""

_SRV = re.compile(r"(?P<priority>\d{1,5}) +(?P<weight>\d{1,5}) +(?P<port>\d{1,5}) +(?P<target>\S+)")
_NAMED = frozenset({"CNAME", "NS", "PTR", "DNAME"})


def record(
    name: str, rrtype: str, data: str, ttl_s: int | None = None, section: Literal["answer", "additional"] = "answer"
) -> DnsRecord | None:
    """A record as it is printed behind its type; None where it cannot be what it says."""
    rrtype, data, name = rrtype.upper(), data.strip(), domain(name)
    ttl_s = 0 if ttl_s is not None and ttl_s > TTL_MAX_S else ttl_s
    if rrtype == "SRV":
        found = _SRV.fullmatch(" ".join(data.split()))
        numbers = [int(found[n]) for n in ("priority", "weight", "port")] if found else []
        if found is None or max(numbers) > 65535:
            return None
        return DnsRecord(
            name=name,
            rrtype=rrtype,
            ttl_s=ttl_s,
            data=domain(found["target"]),
            priority=numbers[0],
            weight=numbers[1],
            port=numbers[2],
            section=section,
        )
    if rrtype in ("A", "AAAA"):
        ip = address(data)
        if ip is None or (":" in ip) != (rrtype == "AAAA"):
            return None
        data = ip
    elif rrtype in _NAMED:
        data = domain(data)
    return DnsRecord(name=name, rrtype=rrtype, ttl_s=ttl_s, data=data[:1024], section=section)


@dataclass(slots=True, kw_only=True)
class Lookup:
    """A question that was typed or printed, and what is known of its answer so far."""

    line: int
    """Where the question stands."""
    name: str
    """Question name as printed."""
    rrtype: str = "A"
    """Question type."""
    resolver: str | None = None
    """Who was asked: an address as printed."""
    client_ip: str | None = None
    """Who asked."""
    txid: int = -1
    """Message id."""
    answer_line: int | None = None
    """Where the answer begins."""
    rcode: int | None = None
    """Response code; None while no answer is known."""
    unanswered: bool = False
    """The tool says that none came. A paste that ends before the answer does not say that."""
    authoritative: bool = False
    """The AA bit."""
    truncated: bool = False
    """The TC bit."""
    checking_disabled: bool = False
    """The CD bit."""
    records: list[DnsRecord] = field(default_factory=list)
    """What came."""
    unread: int = 0
    """Records of the answer that cannot be read."""
    time: str | None = None
    """When the answer came, as printed."""
    took_ns: int = 0
    """How long it took."""

    def add(self, line: int, found: DnsRecord | None) -> None:
        """Another record of the answer, or one that cannot be read."""
        self.answered(line, 0 if self.rcode is None else self.rcode)
        if found is None:
            self.unread += 1
        elif len(self.records) < RECORDS_MAX:
            self.records.append(found)

    def answered(self, line: int, rcode: int) -> None:
        """An answer came."""
        self.rcode = rcode
        self.answer_line = self.answer_line or line

    def told(self) -> Iterator[Told]:
        """The question, and the answer where one came."""
        resolver = address(self.resolver) if self.resolver else None
        common = {"name": domain(self.name), "rrtype": self.rrtype.upper(), "txid": self.txid}
        common |= {"client_ip": self.client_ip, "resolver_ip": resolver}
        known = self.rcode is not None or self.unanswered
        query = {**common, "checking_disabled": self.checking_disabled, "answer_told": known}
        yield Told(self.line, DnsQuery, query, self.time, self.took_ns)
        if self.rcode is None:
            return
        answer = {
            "rcode": self.rcode,
            "authoritative": self.authoritative,
            "truncated": self.truncated,
            # The vocabulary has the answer section first.
            "answers": tuple(sorted(self.records, key=lambda r: r.section == "additional")),
            "records_told": not self.unread,
        }
        yield Told(self.answer_line or self.line, DnsAnswer, {**common, **answer}, self.time)


# --- what `host` prints, and the command line of Cisco's appliances after it

HOST_LINES = (
    r"\s*(?P<name>\S+) has SRV record (?P<srv>.+)"
    r"|\s*(?P<name4>\S+) has address (?P<a>\S+)\s*"
    r"|\s*(?P<name6>\S+) has IPv6 address (?P<aaaa>\S+)\s*"
    r"|\s*(?P<alias>\S+) is an alias for (?P<cname>\S+)\s*"
    r"|\s*(?P<nodata>\S+) has no (?P<type>[A-Z]+) record\s*"
    r"|\s*Host (?P<failed>\S+) not found: \d+\((?P<rcode>\w+)\)\s*"
)
"""Lines of `host` (bin/dig/host.c)."""
_HOST_LINE = re.compile(HOST_LINES)


class HostOutput:
    """What `host` prints of one command: `host NAME` alone asks for several types."""

    def __init__(self, *, resolver: str | None = None, client_ip: str | None = None) -> None:
        """`resolver` is who was named on the command line."""
        self.resolver = resolver
        """Who was asked; its output may tell as well."""
        self._client_ip = client_ip
        self._lookups: dict[tuple[str, str], Lookup] = {}
        self._alias: dict[str, str] = {}
        self._cnames: dict[str, list[DnsRecord]] = {}

    def ask(self, line: int, name: str, rrtype: str) -> Lookup:
        """The question for a name and a type, the same at every call."""
        key = (domain(name), rrtype)
        if key not in self._lookups and (asked := self._searched(key)) is not None:
            self._lookups[key] = self._lookups.pop((domain(asked.name), rrtype))
            asked.name = name
        elif key not in self._lookups:
            self._lookups[key] = Lookup(line=line, name=name, rrtype=rrtype, client_ip=self._client_ip)
        return self._lookups[key]

    def _searched(self, key: tuple[str, str]) -> Lookup | None:
        """The question for a short name that was found below a domain of the search list."""
        for (asked, rrtype), lookup in self._lookups.items():
            if rrtype == key[1] and lookup.rcode is None and key[0].startswith(f"{asked}."):
                return lookup
        return None

    def read(self, line: int, text: str) -> bool:
        """Read a line; whether it was one of these."""
        found = _HOST_LINE.fullmatch(text)
        if found is None:
            return False
        if name := found["failed"]:
            held = [one for (asked, _), one in self._lookups.items() if asked == domain(name)]
            (held[0] if held else self.ask(line, name, "A")).answered(line, RCODES.get(found["rcode"], -1))
        elif name := found["nodata"]:
            self.ask(line, name, found["type"]).answered(line, 0)
        elif name := found["alias"]:
            asked = self._alias.get(domain(name), domain(name))
            self._alias[domain(found["cname"])] = asked
            if (alias := record(name, "CNAME", found["cname"])) is not None and len(self._cnames) < RECORDS_MAX:
                self._cnames.setdefault(asked, []).append(alias)
        for kind, name, data in (
            ("SRV", found["name"], found["srv"]),
            ("A", found["name4"], found["a"]),
            ("AAAA", found["name6"], found["aaaa"]),
        ):
            if data:
                # Who asked for an alias was given the record of its target.
                self.ask(line, self._alias.get(domain(name), name), kind).add(line, record(name, kind, data))
        return True

    def told(self) -> Iterator[Told]:
        """Every question with its answer."""
        for lookup in self._lookups.values():
            lookup.resolver = self.resolver
            if lookup.records:
                lookup.records = [*self._cnames.get(domain(lookup.name), []), *lookup.records][:RECORDS_MAX]
            yield from lookup.told()

    def no_answer(self) -> None:
        """The output says that none came."""
        for lookup in self._lookups.values():
            lookup.unanswered = lookup.rcode is None
