"""Names and connections as Prosody and Metronome log them: net/*.lua, and s2sout.lib.lua before 0.12.

Resolvers tell how many records came and seldom which. Connection attempts name an address and no domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Topic
from parsers.logs.table import Says, Told
from parsers.names import domain

_PEER = r"(?P<peer_ip>[\d.a-fA-F:]+)"
_OWN = r"(?P<own_ip>[\d.a-fA-F:]+)"
_PORT = r"(?P<peer_port>\d{1,5})"
_PENDING = r"(?:\[pending connection (?P<tag>[^\]]+)\] )?"
FEDERATION = "52(?:69|70)"
"""The ports of federation: without a port, nothing tells a connection of servers from one of clients."""


def _asked(match: re.Match[str]) -> Iterable[Told]:
    """A question, where name and type are told."""
    name, rrtype = domain(match["name"]), match.groupdict().get("rrtype")
    if name and (rrtype or name.startswith("_xmpp")):
        # The resolver before 0.12 tells no type, and services are asked for by SRV only; nor does it tell answers.
        fields = {"txid": -1, "name": name, "rrtype": rrtype or "SRV"}
        yield DnsQuery, fields if rrtype else {**fields, "answer_told": False}


_RCODES = {"FormErr": 1, "ServFail": 2, "NXDomain": 3, "NotImp": 4, "Refused": 5}


def _answer(name: str, rrtype: str, rcode: int, *, records: tuple[DnsRecord, ...] | None = ()) -> Told:
    """An answer; None for records that are not told."""
    return DnsAnswer, {
        "txid": -1,
        "name": name,
        "rrtype": rrtype,
        "rcode": rcode,
        "authoritative": False,
        "truncated": False,
        "answers": records or (),
        "records_told": records is not None,
    }


def _answered(match: re.Match[str]) -> Iterable[Told]:
    """How many records came, or why none (net/unbound.lua)."""
    if name := domain(match["name"]):
        items, status = match["items"], match["status"]
        rcode = 0 if items else _RCODES.get(status, -1)
        yield _answer(name, match["rrtype"], rcode, records=None if items and items != "0" else ())


def _service(match: re.Match[str]) -> Iterable[Told]:
    """Whether a domain has SRV records (s2sout.lib.lua, 0.9 to 0.11); without, NXDOMAIN and no data look alike."""
    if name := domain(match["name"]):
        service = "_xmpps-server" if match["direct"] else "_xmpp-server"
        none = match["none"] is not None
        yield _answer(f"{service}._tcp.{name}", "SRV", -1 if none else 0, records=() if none else None)


def _resolved(match: re.Match[str]) -> Iterable[Told]:
    """One address of a host (s2sout.lib.lua, 0.9 to 0.11); it tells no time to live."""
    if name := domain(match["name"]):
        rrtype = "AAAA" if ":" in match["address"] else "A"
        record = DnsRecord(name=name, rrtype=rrtype, ttl_s=0, data=match["address"])
        yield _answer(name, rrtype, 0, records=(record,))


NAMES = (
    Says(
        pattern=r"Resolve (?P<name>\S+) IN (?P<rrtype>\w+)$",
        tells=_asked,
        silent=True,
    ),
    Says(
        pattern=r"Results for (?P<name>\S+) IN (?P<rrtype>\w+): "
        r"(?:(?P<items>\d+) items|(?P<status>\w+)) \((?:In)?[Ss]ecure",
        tells=_answered,
        silent=True,
    ),
    # Neither "Secure" nor "Insecure": validation failed, and why.
    Says(
        pattern=r"Results for (?:_xmpps?-server\._tcp\.(?P<to_domain>\S+)|\S+) IN \w+: "
        r"(?:\d+ items|\w+) \((?P<reason>.*), [\d.]+ sec\)",
        topic=Topic.RESOLVE_FAILED,
        condition="dnssec-bogus",
        reasoned=False,
    ),
    Says(pattern=r"Results for \S+ IN \w+: (?!canceled)(?P<reason>.*)", topic=Topic.RESOLVE_FAILED),
    Says(pattern=r"Resolver error: (?P<reason>.*)", topic=Topic.RESOLVE_FAILED),
    # net/adns.lua, 0.9 to 0.12 without libunbound
    Says(pattern=r"Records for (?P<name>\S+) not in cache, sending query", tells=_asked, silent=True),
    Says(
        pattern=r"Cancelling DNS lookup for (?:_xmpps?-server\._tcp\.(?P<to_domain>\S+))?",
        topic=Topic.RESOLVE_FAILED,
        condition="dns-timeout",
        outgoing=True,
    ),
    Says(pattern=r"Exhausted all \d+ configured DNS servers", topic=Topic.RESOLVE_FAILED, condition="dns-timeout"),
    Says(pattern=r"Error (?:sending DNS query|in DNS lookup): (?P<reason>.*)", topic=Topic.RESOLVE_FAILED),
    # s2sout.lib.lua, 0.9 to 0.11
    Says(
        pattern=r"(?P<name>\S+) has (?:(?P<none>no) )?(?P<direct>direct TLS )?SRV records, (?:handling|falling back)",
        tells=_service,
        silent=True,
    ),
    Says(pattern=r"DNS reply for (?P<name>\S+) gives us (?P<address>[\d.a-fA-F:]+)", tells=_resolved, silent=True),
    Says(
        pattern=r"(?P<to_domain>\S+) does not provide a XMPP service",
        topic=Topic.RESOLVE_FAILED,
        condition="no-service",
        outgoing=True,
    ),
    Says(
        pattern=r"DNS lookup failed to get a response for ",
        topic=Topic.RESOLVE_FAILED,
        condition="no-address",
        outgoing=True,
    ),
)

TCP = (
    # net/connect.lua, 0.11 and later; ports 80 and 443 are those of its HTTP client
    Says(
        pattern=rf"{_PENDING}Next target to try is {_PEER}:(?!(?:80|443)$){_PORT}$",
        topic=Topic.CONNECTING,
        outgoing=True,
    ),
    Says(
        pattern=rf"{_PENDING}Connection attempt failed(?: immediately)?: (?P<reason>.*)",
        topic=Topic.CONNECT_FAILED,
        outgoing=True,
    ),
    # In brackets the resolver's last trouble: of addresses of the other family too, after a target was refused.
    Says(
        pattern=rf"{_PENDING}No more connection targets to try(?: \[(?:NoError.*|nil)\])?$",
        topic=Topic.CONNECT_FAILED,
        condition="exhausted",
        outgoing=True,
    ),
    # net/server_epoll.lua
    Says(
        pattern=rf"Client FD \d+ \({_PEER}, {_PORT}, {_OWN}, (?P<own_port>\d{{1,5}})\) created$",
        topic=Topic.CONNECTING,
        outgoing=True,
        follows=True,
    ),
    Says(
        pattern=rf"Connected \(FD \d+ \({_PEER}, (?P<peer_port>{FEDERATION}), {_OWN}, (?P<own_port>\d{{1,5}})\)\)",
        topic=Topic.CONNECTED,
        outgoing=True,
        adopts=True,
    ),
    Says(
        pattern=rf"Connected \(FD \d+ \({_PEER}, {_PORT}, {_OWN}, (?P<own_port>{FEDERATION})\)\)",
        topic=Topic.CONNECTED,
        outgoing=False,
        adopts=True,
    ),
    # net/server_select.lua
    Says(
        pattern=rf"server\.lua: accepted new client connection from {_PEER}:{_PORT} to {FEDERATION}$",
        topic=Topic.CONNECTED,
        outgoing=False,
        adopts=True,
    ),
    Says(pattern=r"Incoming s2s connection$", topic=Topic.CONNECTED, outgoing=False, echo=True),
    # s2sout.lib.lua, 0.9 to 0.11
    Says(
        pattern=r"First attempt to connect to (?P<to_domain>\S+), starting with SRV lookup",
        topic=Topic.CONNECTING,
        outgoing=True,
    ),
    Says(pattern=r"Starting lookup for (?P<to_domain>\S+), beginning gather", topic=Topic.CONNECTING, outgoing=True),
    Says(
        pattern=rf"Beginning new connection attempt to (?P<to_domain>\S+) \(\[{_PEER}\]:{_PORT}\)",
        topic=Topic.CONNECTING,
        outgoing=True,
    ),
    Says(
        pattern=rf"s2s connect\(\) to (?P<to_domain>\S+) \({_PEER}:{_PORT}\) failed: (?P<reason>.*)",
        topic=Topic.CONNECT_FAILED,
        outgoing=True,
    ),
    Says(
        pattern=r"Connection failed \((?P<reason>.*)\)\. Attempt #\d+: This time to",
        topic=Topic.CONNECT_FAILED,
        outgoing=True,
    ),
    Says(
        pattern=r"(?:Out of connection options, can't connect to|Failed in all attempts to connect to) "
        r"(?P<to_domain>\S+)",
        topic=Topic.CONNECT_FAILED,
        condition="exhausted",
        outgoing=True,
    ),
    Says(
        pattern=r"Hmm, we're without a host \(.*\) and port \(.*\) to connect to for (?P<to_domain>\S+),",
        topic=Topic.RESOLVE_FAILED,
        outgoing=True,
    ),
    Says(pattern=r"Connection to (?P<to_domain>\S+) failed already", topic=Topic.CONNECT_FAILED, outgoing=True),
    Says(pattern=r"s2s connection attempt failed: (?P<reason>.*)", topic=Topic.CONNECT_FAILED, outgoing=True),
)
