"""The vocabulary: everything that a source can show, as plain data.

An event is an observation that a federation engineer would say aloud: "the peer answered SYN-ACK".
It is never a conclusion: "the handshake completed" belongs to the analyzer.
This file knows no bytes, no files and no other module; its values are `int`, `str`, `bool`, `None` or tuples of
dataclasses, so every event hashes, pickles and survives JSON unchanged.
Instants are integer nanoseconds since 1970-01-01 UTC, never a float.
Stanza bodies and dialback keys never enter an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def plain_data(cls: type[_Class]) -> type[_Class]:
    """A dataclass that nothing changes.

    The type checker sees to it: to guard a value at run time costs more than to make it, and there may be a million.
    """
    return dataclass(unsafe_hash=True, slots=True, kw_only=True)(cls)


@plain_data
class Where:
    """One place in one input, enough for a person to go and look."""

    source: str
    """`Source.name` of the input."""
    frame: int | None = None
    """1-based frame number, the one that Wireshark shows."""
    line: int | None = None
    """1-based line number, the one that an editor shows."""


@plain_data
class Flow:
    """The two ends of a packet, in the packet's own direction."""

    src_ip: str
    """Address of the sender, in its canonical text form."""
    src_port: int
    """Port of the sender."""
    dst_ip: str
    """Address that it was sent to."""
    dst_port: int
    """Port that it was sent to."""
    proto: Literal["tcp", "udp"] = "tcp"
    """Transport protocol."""

    @property
    def reverse(self) -> Flow:
        """The same two ends, seen in the other direction."""
        return Flow(
            src_ip=self.dst_ip, src_port=self.dst_port, dst_ip=self.src_ip, dst_port=self.src_port, proto=self.proto
        )


@plain_data
class Event:
    """Something seen at a place and a time.

    It happened in `[at_ns, at_ns + width_ns)`: two events may be one moment exactly when their intervals overlap.
    """

    at_ns: int
    """The earliest moment at which it can have happened, ns since 1970-01-01 UTC."""
    width_ns: int
    """How uncertain that moment is, ns: 1 for ns captures, 1,000 for µs captures, 10**9 for a log with seconds."""
    where: Where
    """The place that shows it."""
    flow: Flow | None = None
    """Packets always; log lines only when they name both ends."""
    tag: str | None = None
    """How a server's log threads its lines: "s2sout55c0", "<0.512.0>". None for packets."""
    sent: bool | None = None
    """In a server's log: whether that server sent it, or did it itself; False where its peer did. None for packets."""


@plain_data
class DnsRecord:
    """One resource record of an answer (RFC 1035 section 3.2.1, RFC 2782)."""

    name: str
    """Owner name, lower case, no trailing dot."""
    rrtype: str
    """"SRV", "A", "AAAA", "CNAME", …"""
    ttl_s: int | None
    """Time to live, seconds; None where the source does not tell it, as most logs of resolvers do not."""
    data: str
    """Address, target name (lower case, no trailing dot, "." for the root) or the record's presentation text."""
    priority: int | None = None
    """SRV only."""
    weight: int | None = None
    """SRV only."""
    port: int | None = None
    """SRV only."""
    section: Literal["answer", "additional"] = "answer"
    """The section of the message in which it stood; authority records are not kept."""


@plain_data
class DnsQuery(Event):
    """A DNS question was sent (RFC 1035)."""

    txid: int
    """Message id; -1 where the source does not tell it."""
    name: str
    """Question name, lower case, no trailing dot."""
    rrtype: str
    """Question type, "SRV", "A", …; "TYPE65" for those without a name."""
    checking_disabled: bool = False
    """The CD bit: the asker wants the answer even if DNSSEC validation fails (RFC 4035 section 3.2.2)."""
    answer_told: bool = True
    """Whether the source tells answers too; where it does not, as in a BIND query log, silence proves nothing."""
    client_ip: str | None = None
    """Who asked, where no `flow` tells it: logs and transcripts name one end only, as a rule."""
    resolver_ip: str | None = None
    """Who was asked, where no `flow` tells it."""


@plain_data
class DnsAnswer(Event):
    """A DNS response was seen (RFC 1035)."""

    txid: int
    """Message id; -1 where the source does not tell it."""
    name: str
    """Question name, lower case, no trailing dot."""
    rrtype: str
    """Question type."""
    rcode: int
    """Response code: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED; -1 where the source does not tell it."""
    authoritative: bool
    """The AA bit."""
    truncated: bool
    """The TC bit: the rest wants TCP."""
    answers: tuple[DnsRecord, ...]
    """Records of the answer section, then the addresses of the additional section."""
    records_told: bool = True
    """False where the source does not say which records came, as dnsmasq's `is <SRV>`, or only that it went well."""
    client_ip: str | None = None
    """Who asked, where no `flow` tells it: logs and transcripts name one end only, as a rule."""
    resolver_ip: str | None = None
    """Who was asked, where no `flow` tells it."""


@plain_data
class TcpMark(Event):
    """A TCP segment that opens or closes a conversation (RFC 9293); of pure ACKs only the first each way."""

    mark: Literal["syn", "syn-ack", "ack", "fin", "rst"]
    """Which of them."""
    repeat: bool = False
    """The same mark was seen before in this direction of this conversation: a retransmission or a duplicate frame."""
    ttl: int | None = None
    """IP time to live or hop limit as seen here: a reset with another distance than its peer's came from the path."""


@plain_data
class CaptureGap(Event):
    """Bytes of one direction of a conversation that the capture does not hold."""

    missing_bytes: int
    """How many, as far as sequence numbers tell."""


@plain_data
class Retransmission(Event):
    """A data segment was sent again. At most a bounded number for each direction; `Tally` counts all."""

    bytes_len: int
    """Its payload, bytes on the wire."""
    attempt: int
    """2 for the first repetition."""


@plain_data
class Idle(Event):
    """A segment that ends a long silence of its conversation, in both directions and of keep-alives too.

    At most a bounded number for each conversation.
    """

    duration_ns: int
    """How long no segment was seen, ns."""


@plain_data
class Tally(Event):
    """What one direction of a conversation carried in all; told once, at its last segment."""

    bytes_len: int
    """Payload bytes, each counted once."""
    segments: int
    """Segments with payload."""
    retransmitted: int
    """Of these, repetitions."""
    unacknowledged_len: int
    """Payload bytes sent that the other side never acknowledged; 0 where its direction was not seen."""
    stanzas: int
    """Stanzas read in the clear; 0 under TLS."""


@plain_data
class Unreachable(Event):
    """An ICMP error about a packet of `flow`, which it quotes (RFC 792, RFC 4443)."""

    code: str
    """"net", "host", "port", "admin", "fragmentation-needed", "ttl-exceeded", "other"."""
    reporter_ip: str
    """Who sent the error."""


@plain_data
class TlsHello(Event):
    """A ClientHello or ServerHello (RFC 5246 section 7.4.1, RFC 8446 section 4.1)."""

    side: Literal["client", "server"]
    """Whose hello."""
    version: str
    """The highest version offered, or the one chosen: "TLS 1.0" … "TLS 1.3", "SSL 3.0"."""
    sni: str | None = None
    """Server name that the client asked for, lower case."""
    alpn: tuple[str, ...] = ()
    """Protocols offered, or the one chosen (RFC 7301)."""
    cipher: str | None = None
    """The suite chosen, by its IANA name or as "0x1301"; None in a ClientHello."""
    random_digest: str = ""
    """First 12 hex of SHA-256 of the hello's random: the same at every vantage, whatever a NAT did."""


@plain_data
class TlsCertificate(Event):
    """One certificate of a chain, where it can be seen: TLS 1.2 and earlier (RFC 5280)."""

    position: int
    """0 for the end entity."""
    subject: str
    """Subject in RFC 4514 form."""
    issuer: str
    """Issuer in RFC 4514 form."""
    names: tuple[str, ...]
    """dNSName, SRVName and XmppAddr names, lower case; the common name where there is no other."""
    not_before_ns: int
    """Start of validity, ns since 1970 UTC; 0 where the source does not tell it."""
    not_after_ns: int
    """End of validity, ns since 1970 UTC; 2**63 - 1 where it has none, or where the source does not tell it."""
    sha256: str
    """Fingerprint of the DER form, hex; "" where the source does not show that form."""
    chain_len: int = 1
    """How many certificates the message held."""


@plain_data
class TlsClientCertificate(Event):
    """Whether the client shows a certificate, visible in TLS 1.2 and earlier (RFC 5246 sections 7.4.4 and 7.4.6)."""

    word: Literal["requested", "absent"]
    """The server asked for one; the client answered with an empty list. One that is sent is a `TlsCertificate`."""


@plain_data
class TlsAlert(Event):
    """An alert record (RFC 8446 section 6)."""

    level: str
    """"warning", "fatal" or "encrypted"."""
    description: str
    """"handshake_failure", "unknown_ca", …, or "encrypted" when it cannot be read."""


@plain_data
class TlsData(Event):
    """The first record of ciphertext in this direction."""

    bytes_len: int
    """Length of the record, bytes."""


@plain_data
class StreamHeader(Event):
    """An opening `<stream:stream>` (RFC 6120 section 4.7)."""

    from_domain: str | None
    """Attribute `from`, its domain, normalised by `names`."""
    to_domain: str | None
    """Attribute `to`, its domain."""
    id: str | None
    """Attribute `id`, wire text."""
    version: str | None
    """Attribute `version`; None for servers before 1.0."""
    namespace: str | None
    """The content namespace: "jabber:server", "jabber:client", …"""
    dialback_declared: bool
    """The header declares the namespace `jabber:server:dialback` (XEP-0220 section 2.4.1)."""


@plain_data
class StreamFeatures(Event):
    """`<stream:features/>` (RFC 6120 section 4.3.2)."""

    starttls: Literal["absent", "offered", "required"]
    """What is said of STARTTLS."""
    sasl: tuple[str, ...]
    """SASL mechanisms offered, in order."""
    dialback: bool
    """`<dialback xmlns='urn:xmpp:features:dialback'/>` is there."""
    dialback_errors: bool = False
    """… and holds `<errors/>` (XEP-0220 section 2.4.2)."""


@plain_data
class StartTls(Event):
    """A word of the STARTTLS negotiation (RFC 6120 section 5.4)."""

    word: Literal["starttls", "proceed", "failure"]
    """Which."""


@plain_data
class Sasl(Event):
    """A word of the SASL negotiation (RFC 6120 section 6.4). Challenges and responses are not kept."""

    word: Literal["auth", "success", "failure", "abort"]
    """Which."""
    mechanism: str | None = None
    """With `auth`."""
    condition: str | None = None
    """With `failure`: "not-authorized", …"""


@plain_data
class Dialback(Event):
    """`<db:result/>` or `<db:verify/>` (XEP-0220 sections 2.1 and 2.2)."""

    word: Literal["result", "verify"]
    """Which element."""
    verdict: Literal["valid", "invalid", "error"] | None
    """Attribute `type`; None for a request that carries a key."""
    from_domain: str | None
    """Attribute `from`."""
    to_domain: str | None
    """Attribute `to`."""
    id: str | None = None
    """Attribute `id` of a verify: the stream id that the key was made for."""
    key_digest: str | None = None
    """First 12 hex of SHA-256 of the key: keys compare equal without being kept."""
    key_form: str | None = None
    """The key's shape, for fingerprints: "40 hex", "64 hex", "other"; never the key."""
    condition: str | None = None
    """The error condition inside `type='error'` (XEP-0220 section 2.5)."""


@plain_data
class StreamError(Event):
    """`<stream:error/>` (RFC 6120 section 4.9)."""

    condition: str
    """Defined condition, "host-unknown", …"""
    text: str
    """The text child, wire text, bounded; "" where absent."""


@plain_data
class StreamEnd(Event):
    """`</stream:stream>` (RFC 6120 section 4.4)."""


@plain_data
class Stanza(Event):
    """The head of the first stanza of its kind in this direction of a stream; never a body.

    A kind is (name, type, from, to, condition). `Tally.stanzas` counts them all.
    """

    name: Literal["message", "presence", "iq"]
    """Element name."""
    type: str | None
    """Attribute `type`."""
    from_domain: str | None
    """Domain of attribute `from`."""
    to_domain: str | None
    """Domain of attribute `to`."""
    condition: str | None = None
    """Condition of a stanza error (RFC 6120 section 8.3)."""


@plain_data
class NotXmpp(Event):
    """The first bytes of this direction are of another protocol."""

    protocol: str
    """"http", "smtp", "ssh", "ftp", "tls", "binary", "text"."""
    text: str
    """The first line as wire text, at most 64 characters; "" for binary."""


@plain_data
class BadXml(Event):
    """Bytes of a stream that are no XML, or that RFC 6120 section 11 forbids. Nothing after them was read."""

    reason: str
    """"not-well-formed", "restricted-xml" (DTD, entity, comment, processing instruction), "too-big", "too-deep"."""


@plain_data
class FirewallLog(Event):
    """A line of a firewall's log about a connection or a translation."""

    action: Literal["built", "teardown", "deny", "translation", "other"]
    """What the firewall did. `deny` is any refusal to let a packet through, whatever refused it."""
    message_id: str
    """The vendor's id of the message, "302013"."""
    connection: str | None = None
    """The firewall's own number of the connection."""
    direction: str | None = None
    """"inbound" or "outbound", as the firewall says it."""
    interfaces: tuple[str, ...] = ()
    """Names of the interfaces, in the order of `real`'s source and destination, as far as the line names them."""
    real: Flow | None = None
    """Ends as their owners know them, in the direction of who opened it; port 0 where the line tells none."""
    mapped: Flow | None = None
    """The same ends after translation."""
    reason: str | None = None
    """Why, in the firewall's words: "SYN Timeout", "TCP Reset-O", "access-group", …"""
    flags: str | None = None
    """TCP flags that the line names: "SYN ACK"."""
    text: str = ""
    """The message as logged, bounded."""
    bytes_len: int | None = None
    """Bytes carried, with a teardown."""
    duration_ns: int | None = None
    """How long it stood, with a teardown."""
    rule: str | None = None
    """Access list or rule named."""


@plain_data
class Probe(Event):
    """Somebody tried a port by hand: telnet, openssl, packet-tracer."""

    tool: str
    """The program used: "telnet", "openssl", "packet-tracer", "ping", …"""
    target: str
    """Address or name that was tried; "" where only the end of what a tool printed was pasted."""
    port: int
    """Port that was tried; 0 for tools that try none."""
    outcome: Literal["open", "refused", "timeout", "unresolved", "denied", "failed"]
    """What came of it; `denied` where a firewall says that it drops it, `failed` where the tool does not tell how."""
    prompt: str | None = None
    """The host or prompt at which it was typed, where the transcript shows it."""
    target_ip: str | None = None
    """The address that a name turned out to have."""
    text: str = ""
    """The deciding line, bounded."""


@plain_data
class Setting(Event):
    """What a `show` command printed: the host's DNS servers, its address, hit counts."""

    name: str
    """What is set."""
    value: str
    """To what."""


class Topic(StrEnum):
    """What a line of a server's log is about. A short closed list: the rest is OTHER."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RESOLVE_FAILED = "resolve-failed"
    CONNECT_FAILED = "connect-failed"
    SECURED = "secured"
    TLS_FAILED = "tls-failed"
    AUTHED = "authed"
    AUTH_FAILED = "auth-failed"
    CLOSED = "closed"
    REFUSED = "refused"
    OTHER = "other"


STREAM_CONDITIONS = frozenset(
    {
        *("bad-format", "bad-namespace-prefix", "conflict", "connection-timeout", "host-gone", "host-unknown"),
        *("improper-addressing", "internal-server-error", "invalid-from", "invalid-id", "invalid-namespace"),
        *("invalid-xml", "not-authorized", "not-well-formed", "policy-violation", "remote-connection-failed", "reset"),
        *("resource-constraint", "restricted-xml", "see-other-host", "system-shutdown", "undefined-condition"),
        *("unsupported-encoding", "unsupported-feature", "unsupported-stanza-type", "unsupported-version"),
    }
)
"""Conditions of stream errors: RFC 6120 section 4.9.3, and `invalid-id` of RFC 3920."""

CONDITIONS: dict[Topic, frozenset[str]] = {
    Topic.CONNECTING: frozenset(),
    Topic.CONNECTED: frozenset(),
    Topic.RESOLVE_FAILED: frozenset(
        {
            *("nxdomain", "nodata", "servfail", "dns-refused", "dns-timeout", "dnssec-bogus", "no-service"),
            *("no-address", "not-idna"),
        }
    ),
    Topic.CONNECT_FAILED: frozenset({"refused", "timeout", "unreachable", "reset", "exhausted"}),
    Topic.SECURED: frozenset({"starttls", "direct", "certificate-trusted", "certificate-untrusted"}),
    Topic.TLS_FAILED: frozenset(
        {
            *("not-offered", "refused", "handshake", "version", "cipher", "certificate-expired", "certificate-future"),
            *("certificate-name", "certificate-self-signed", "certificate-untrusted", "certificate-chain"),
            *("certificate-purpose", "certificate-revoked", "certificate-missing", "certificate-invalid"),
        }
    ),
    Topic.AUTHED: frozenset({"dialback", "external"}),
    Topic.AUTH_FAILED: frozenset(
        {
            *("external-not-offered", "external-refused", "external-fallback", "no-mechanism"),
            *("dialback-invalid", "dialback-error", "dialback-timeout", "dialback-off", "dialback-imposter"),
            *("dialback-stray", "callback-failed", "callback-timeout", "not-authorized"),
        }
    ),
    Topic.CLOSED: STREAM_CONDITIONS | {"closed", "reset", "idle", "verified-only"},
    Topic.REFUSED: STREAM_CONDITIONS | {"forbidden", "duplicate", "item-not-found", "own-domain"},
    Topic.OTHER: frozenset(
        {
            *("queued", "bounced", "backoff", "routed", "listening", "not-listening"),
            *("edge-axl-failed", "router-bouncing"),
        }
    ),
}
"""What a server's log can say of each topic. A closed list: rules read these words, not the servers'.

RESOLVE_FAILED: `no-service` is an SRV target of "."; `no-address` a target without address.
CONNECT_FAILED: `exhausted` when every target was tried.
SECURED: with `certificate-trusted` or `certificate-untrusted`, what the server that wrote it thinks of its peer's.
TLS_FAILED: `not-offered` when the server that wrote it wants TLS and the peer has none; `refused` is `<failure/>`;
`certificate-chain` when an issuer is missing, `certificate-purpose` when its key usage forbids this use.
AUTH_FAILED: `external-fallback` when dialback is tried next; `dialback-imposter` when the server that wrote it was
asked about a key that it had not made, `dialback-stray` when an answer came to no question; `callback-failed` when
the authoritative server could not be asked; `no-mechanism` when neither EXTERNAL nor dialback is left.
CLOSED: `idle` after silence, an ordinary end; `verified-only` when the stream was for a callback only.
REFUSED: `own-domain` when the peer says to be a domain that the server that wrote it serves itself.
OTHER: `backoff` when no new attempt is made for a time; `bounced` when stanzas went back to their senders;
`edge-axl-failed` when an Expressway could not write its node into IM&P; `router-bouncing` when the router of XCP gives
stanzas back, its settings being others than those of its neighbours.
"""


@plain_data
class Said(Event):
    """A server's log said something. Its words are the server's; topic and condition put them into one language."""

    topic: Topic
    """What about."""
    text: str
    """The message as logged, bounded; keys and bodies removed."""
    level: str
    """The log level as printed, lower case; "" where none is."""
    from_domain: str | None = None
    """Initiating domain of the stream, where the line names it."""
    to_domain: str | None = None
    """Receiving domain of the stream, where the line names it."""
    outgoing: bool | None = None
    """Whether the server that wrote it opened the stream that it speaks of; None where the line does not tell."""
    peer_ip: str | None = None
    """The other side's address, where the line names it."""
    peer_port: int | None = None
    """The other side's port, where the line names it."""
    own_ip: str | None = None
    """The address of the server that wrote it, where the line names it."""
    own_port: int | None = None
    """The port on that side, where the line names it."""
    stream_id: str | None = None
    """Id of the stream, where the line names it."""
    condition: str | None = None
    """Why, as one of `CONDITIONS` for the topic, whatever the server's words; None where the line does not tell."""
    reason: str | None = None
    """Why, in the server's words."""


@plain_data
class Damage(Event):
    """Input that could not be read, counted."""

    what: str
    """One sentence for a person."""
    lost: int
    """How much was not read."""
    unit: Literal["bytes", "lines", "frames"]
    """Of what."""


EVENT_TYPES: tuple[type[Event], ...] = (
    DnsQuery,
    DnsAnswer,
    TcpMark,
    CaptureGap,
    Retransmission,
    Idle,
    Tally,
    Unreachable,
    TlsHello,
    TlsCertificate,
    TlsClientCertificate,
    TlsAlert,
    TlsData,
    StreamHeader,
    StreamFeatures,
    StartTls,
    Sasl,
    Dialback,
    StreamError,
    StreamEnd,
    Stanza,
    NotXmpp,
    BadXml,
    FirewallLog,
    Probe,
    Setting,
    Said,
    Damage,
)
"""Every class of event, in the order of the vocabulary. The only list of them."""


def river_key(event: Event) -> tuple[int, str, int]:
    """The total order of events, the same on every machine: time, then source, then place in it."""
    where = event.where
    return (event.at_ns, where.source, where.frame or where.line or 0)
