"""Attempts of XMPP servers to federate: DNS lookups, streams, dialback with its callback, stanzas, STARTTLS, failures.

The words are those of RFC 6120 and XEP-0220; names and addresses are of the ranges for documentation and private use.
"""

from __future__ import annotations

import struct
from random import Random

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from benchmarks.conversation import CLIENT, SERVER, Conversation, Frame
from benchmarks.frames import End, port_unreachable, udp
from benchmarks.stanzas import stanza

SERVERS = 6_000
"""How many servers there are in all."""

STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
FEATURES = f"<stream:features>{STARTTLS}<dialback xmlns='urn:xmpp:features:dialback'/></stream:features>".encode()
END = b"</stream:stream>"


class Server:
    """One XMPP server: its domain, and its address of one family."""

    def __init__(self, number: int, *, six: bool) -> None:
        """The same number is the same server, by IPv4 and by IPv6."""
        self.domain = f"im{number}.net{number % 613}.example"
        self.host = f"xmpp.{self.domain}"
        low = number.to_bytes(2, "big")
        self.address = bytes.fromhex("20010db8") + low.rjust(12, b"\0") if six else b"\x0a\x05" + low
        self.record = ("AAAA", f"2001:db8::{number:x}") if six else ("A", f"10.5.{low[0]}.{low[1]}")


def header(sender: Server, target: Server, stream_id: str | None = None) -> bytes:
    """A stream header (RFC 6120 section 4.7); the answering side gives the stream its id."""
    identity = f" id='{stream_id}'" if stream_id else ""
    return (
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'"
        " xmlns:stream='http://etherx.jabber.org/streams'"
        f" from='{sender.domain}' to='{target.domain}'{identity} version='1.0' xml:lang='en'>"
    ).encode()


def client_hello(luck: Random, name: str) -> bytes:
    """A TLS record with a ClientHello that names the server and the protocol (RFC 8446, RFC 6066, RFC 7301)."""
    host = name.encode()
    extensions = struct.pack("!HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    extensions += struct.pack("!HHHB", 16, 14, 12, 11) + b"xmpp-server"
    body = b"\x03\x03" + luck.randbytes(32) + b"\x20" + luck.randbytes(32) + bytes.fromhex("0006130113021303" + "0100")
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


class Attempt:
    """One server reaches for another. `frames` is what the wire shows of it, nearly in order of time."""

    def __init__(self, luck: Random, at_us: int, stanzas: int) -> None:
        """Play it, from the first lookup to the end of the stream; `stanzas` go through if all is well."""
        self.frames: list[Frame] = []
        self._luck = luck
        self._at_us = at_us
        self._stanzas = stanzas
        six = luck.random() < 0.2
        self._initiator, self._receiver = (Server(number, six=six) for number in luck.sample(range(SERVERS), 2))
        self._resolver = Server(SERVERS + luck.randrange(50), six=six).address
        self._play()

    def _asks(self, asker: Server, name: str, kind: str, answer: str | None) -> None:
        """A lookup and its answer; no answer means that the name does not exist."""
        luck = self._luck
        question = dns.message.make_query(name, kind, use_edns=0, id=luck.getrandbits(16))
        answered = dns.message.make_response(question, recursion_available=True)
        if answer is None:
            answered.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answered.answer.append(dns.rrset.from_text(f"{name}.", 3600, "IN", kind, answer))
        client, resolver = End(asker.address, luck.randrange(20_000, 60_000)), End(self._resolver, 53)
        self.frames.append((self._at_us, udp(client, resolver, question.to_wire())))
        self._at_us += luck.randint(1_000, 30_000)
        self.frames.append((self._at_us, udp(resolver, client, answered.to_wire())))
        self._at_us += 500

    def _reaches(self, asker: Server, target: Server) -> Conversation:
        """Find the other server by SRV and address (RFC 6120 section 3.2.1), and stand before its port."""
        if self._luck.random() < 0.3:
            self._asks(asker, f"_xmpps-server._tcp.{target.domain}", "SRV", None)
        self._asks(asker, f"_xmpp-server._tcp.{target.domain}", "SRV", f"5 0 5269 {target.host}.")
        self._asks(asker, target.host, *target.record)
        client = End(asker.address, self._luck.randrange(32_768, 61_000))
        return Conversation(self._luck, self.frames, self._at_us, client, End(target.address, 5269))

    def _greet(self, stream: Conversation, client: Server, server: Server) -> str:
        """Open the connection and both directions of the stream; give its id."""
        stream.opened()
        stream_id = f"{self._luck.getrandbits(64):016x}"
        stream.says(CLIENT, header(client, server))
        stream.says(SERVER, header(server, client, stream_id) + FEATURES, stream.round_trip_us)
        return stream_id

    def _play(self) -> None:
        """Of a hundred: two find silence or an ICMP error, two a closed port, eight use STARTTLS, the rest dialback."""
        stream = self._reaches(self._initiator, self._receiver)
        fate = self._luck.random()
        if fate < 0.02:
            stream.ask()
            at_us, frame = self.frames[-1]
            if len(self._resolver) == 4:
                self.frames.append((at_us + 20_000, port_unreachable(frame)))
        elif fate < 0.04:
            stream.refused()
        else:
            stream_id = self._greet(stream, self._initiator, self._receiver)
            if fate < 0.12:
                self._encrypt(stream)
            else:
                self._dial_back(stream, stream_id)
            stream.closed()

    def _encrypt(self, stream: Conversation) -> None:
        """STARTTLS, a ClientHello, and records that nobody can read."""
        luck = self._luck
        stream.says(CLIENT, STARTTLS.encode())
        stream.says(SERVER, PROCEED, stream.round_trip_us)
        stream.says(CLIENT, client_hello(luck, self._receiver.domain))
        for turn in range(max(4, self._stanzas // 2)):
            size = luck.randrange(60, 2_500)
            record = b"\x17\x03\x03" + size.to_bytes(2, "big") + luck.randbytes(size)
            stream.says(turn % 2, record, int(luck.expovariate(2) * 1e6))

    def _dial_back(self, stream: Conversation, stream_id: str) -> None:
        """Dialback (XEP-0220 section 2.1): the receiver calls the initiator's domain and asks about the key."""
        luck, ours, theirs = self._luck, self._initiator.domain, self._receiver.domain
        key = f"{luck.getrandbits(256):064x}"
        stream.says(CLIENT, f"<db:result from='{ours}' to='{theirs}'>{key}</db:result>".encode())

        self._at_us = stream.at_us + 10_000
        callback = self._reaches(self._receiver, self._initiator)
        self._greet(callback, self._receiver, self._initiator)
        callback.says(CLIENT, f"<db:verify from='{theirs}' to='{ours}' id='{stream_id}'>{key}</db:verify>".encode())
        verdict = "valid" if luck.random() < 0.97 else "invalid"
        vouched = f"<db:verify from='{ours}' to='{theirs}' id='{stream_id}' type='{verdict}'/>"
        callback.says(SERVER, vouched.encode(), callback.round_trip_us)
        callback.says(CLIENT, END)
        callback.says(SERVER, END)
        callback.closed()

        stream.at_us = callback.at_us
        stream.says(SERVER, f"<db:result from='{theirs}' to='{ours}' type='{verdict}'/>".encode())
        if verdict == "valid":
            sent = 0
            while sent < self._stanzas:
                burst = 1 if luck.random() < 0.8 else luck.randrange(2, 9)
                text = "".join(stanza(luck, ours, theirs) for _ in range(burst))
                stream.says(CLIENT, text.encode(), int(luck.expovariate(0.5) * 1e6))
                sent += burst
        stream.says(CLIENT, END)
        stream.says(SERVER, END, stream.round_trip_us)
