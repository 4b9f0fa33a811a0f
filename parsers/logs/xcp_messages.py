"""What the XMPP federation component of Cisco XCP says, in CUPS and IM&P as in Expressway.

`xcoder=` names a stream. Of one that a peer opened it is also the stream's id (`xcoder=05E295A2B`, then
`<db:verify id='05E295A2B'>`), which holds the log beside a capture.
Source: Cisco document 213865, lines as it prints them; forms marked [inf] are inferred from its words. Knows no header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import DnsAnswer, DnsQuery, Said, Topic
from parsers.logs.fragments import quoted
from parsers.logs.table import Says, Told
from parsers.names import domain

_STREAM = r"(?:\([0-9a-f-]{36}, [^:\s]*:[^,\s]*, (?:IN|OUT)\) )?xcoder=(?P<tag>[0-9A-F]+)"
"""A stream that has an encoder."""
_NO_CONNECTION = r"\s*Unable to connect to host '(?P<peer_ip>[^']+)', port (?P<peer_port>\d+) ?:? ?"
"""A connection that failed; the number of the operating system's error stands in brackets behind it."""
_SESSION = r"\((?P<tag>(?!0{8}-)[0-9a-f-]{36}), (?P<local>[^:\s]*):(?P<remote>[^,\s]*), (?P<way>IN|OUT)\)"
"""A session, by its number, our domain and the peer's."""


def _received(match: re.Match[str]) -> Iterator[Told]:
    """What a peer sent; of a key that it sent the stream's id is the encoder's number."""
    for kind, fields in quoted(match["element"]):
        if fields.get("word") == "result" and fields.get("verdict") is None:
            yield (
                Said,
                {
                    "topic": Topic.CONNECTED,
                    "text": "a dialback key was received",
                    "level": "",
                    "outgoing": False,
                    "stream_id": match["tag"],
                    "from_domain": fields.get("from_domain"),
                    "to_domain": fields.get("to_domain"),
                },
            )
        yield kind, {**fields, "sent": False, "tag": match["tag"]}


def _sent(match: re.Match[str]) -> Iterator[Told]:
    """What our server sent."""
    for kind, fields in quoted(match["element"]):
        yield kind, {**fields, "sent": True, "tag": match["tag"]}


def _asks(match: re.Match[str]) -> Iterator[Told]:
    """A lookup begins; without a service it is for the address of the domain itself."""
    service, name = match["service"].strip("."), domain(match["name"])
    rrtype = "SRV" if service else "A"
    yield DnsQuery, {"txid": -1, "name": f"{service}.{name}" if service else name, "rrtype": rrtype, "tag": None}


def _resolved(match: re.Match[str]) -> Iterator[Told]:
    """A lookup came to an address, by SRV or without."""
    srv = match["method"] == "SRV"
    name = domain(match["name"])
    yield (
        DnsAnswer,
        {
            "txid": -1,
            "name": f"_xmpp-server._tcp.{name}" if srv else name,
            "rrtype": "SRV" if srv else "A",
            "rcode": 0,
            "authoritative": False,
            "truncated": False,
            "answers": (),
            "records_told": False,
            "tag": None,
        },
    )


XCP: tuple[Says, ...] = (
    Says(pattern=_STREAM + r" sending:: ?(?P<element><.*)", tells=_sent, silent=True),
    Says(pattern=_STREAM + r" (?:received|onStreamOpen):: ?(?P<element><.*)", tells=_received, silent=True),
    Says(
        pattern=_SESSION + r" DBVerify stream is open\. Sending db:verify packet: (?P<element><.*)",
        tells=_sent,
        silent=True,
    ),
    Says(pattern=_SESSION + r" DBVerify Packet Received:? (?P<element><.*)", tells=_received, silent=True),
    Says(
        pattern=r"Starting resolver lookup for '(?P<name>[^':]+)(?::puny=[^':]*)?:service=(?P<service>[^':]*)",
        tells=_asks,
        silent=True,
    ),
    Says(
        pattern=r"(?:\([^)]*\) )?resolved (?:dialback )?address for host=(?P<name>\S+) method=(?P<method>\w+)",
        tells=_resolved,
        silent=True,
    ),
    Says(
        pattern=_STREAM + r" closing stream used for dialback only",
        topic=Topic.CLOSED,
        condition="verified-only",
    ),
    # The timer's beginning is no end; what is written when it runs out is [inf].
    Says(pattern=_STREAM + r" Scheduling dialback timeout"),
    Says(
        pattern=_STREAM + r".{0,80}[Dd]ialback (?:has )?(?:timed out|timeout expired|timeout:)",
        topic=Topic.AUTH_FAILED,
        condition="dialback-timeout",
        outgoing=True,
    ),
    Says(
        pattern=_NO_CONNECTION + r"(?P<reason>\(111\).*|.*refused.*)",
        topic=Topic.CONNECT_FAILED,
        condition="refused",
        outgoing=True,
    ),
    Says(
        pattern=_NO_CONNECTION + r"(?P<reason>\(110\).*|.*timed out.*)",
        topic=Topic.CONNECT_FAILED,
        condition="timeout",
        outgoing=True,
    ),
    Says(
        pattern=_NO_CONNECTION + r"(?P<reason>\(113\).*|\(101\).*)",
        topic=Topic.CONNECT_FAILED,
        condition="unreachable",
        outgoing=True,
    ),
    Says(
        pattern=r"\s*Connecting on fd \d+ to host '(?P<peer_ip>[^']+)', port (?P<peer_port>\d+)",
        topic=Topic.CONNECTING,
        outgoing=True,
    ),
    # [inf] What ends a stream is quoted as it was sent or received; without quotation only the word is sure.
    Says(
        pattern=_STREAM + r".{0,80}(?P<reason>(?:TLS|SSL) (?:handshake|negotiation) failed.*)",
        topic=Topic.TLS_FAILED,
        condition="handshake",
    ),
    Says(pattern=_STREAM + r".{0,80}\bstream (?:is )?closed", topic=Topic.CLOSED),
    # The router: which component gets a stanza.
    Says(pattern=r"(?:\S+ )?redirecting to:? (?P<reason>\S+)", condition="routed"),
    # Settings were changed and it was not restarted since (213865).
    Says(pattern=r".{0,80}XCP router .{0,40}is bouncing packets", condition="router-bouncing"),
)
"""Messages of the component, in CUPS as in Expressway."""
