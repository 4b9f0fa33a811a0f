"""Tests of products: two independent marks name one, fewer are a guess, and what is inferred says so."""

from __future__ import annotations

import pytest

from analyzer.peers import Peer, Policy, clash, peers
from tests import scene

DNS = """
0.00  10.0.0.5:4000 > 10.0.0.53:53  query SRV _xmpp-server._tcp.example.net
0.01  back  answer SRV _xmpp-server._tcp.example.net = 5 0 5269 {target}
"""
STREAM = """
0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
0.12  back                                 syn-ack
0.13  back                                 StreamHeader from=cupdomain.com to=example.net
0.15  back                                 StreamHeader from=example.net to=cupdomain.com id={id} {header}
"""
FEATURES = "0.16  same                             StreamFeatures {features}\n"
KEY = """0.17  198.51.100.10:50000 > 10.0.0.5:5269  syn
0.18  back                                 syn-ack
0.19  back                                 StreamHeader from=example.net to=cupdomain.com
0.20  same                                 Dialback from=example.net to=cupdomain.com key=k0 key_form="{key}"
"""


def peer(text: str, *logs: scene.Tap) -> Peer:
    """What is found of example.net."""
    return next(p for p in peers(scene.case(scene.tap("cups", text), *logs, local=["cupdomain.com"])) if not p.local)


def told(found: Peer) -> tuple[str | None, list[str], list[str]]:
    """Product, guesses, and the marks with what they are worth."""
    marks = [f"{m.kind}: {m.word}{' (inferred)' if m.inferred else ''}" for m, _ in found.marks]
    return (found.product.name if found.product else None, [p.name for p in found.perhaps], marks)


@pytest.mark.parametrize(
    ("id", "key", "features", "name"),
    [
        ("f2fd4179-b11b-4c2e-8f6e-0a1b2c3d4e5f", "64 hex", "dialback=yes", "Prosody"),
        ("8343268098092162682", "64 hex", "dialback=yes dialback_errors=yes", "ejabberd"),
        ("05E295A2B", "40 hex", "", "Cisco XCP (CUPS, IM and Presence, Expressway)"),
        ("zcmy1zfv6o9h8g7f6e5d4c3b2a1zyxwvutsrqponm"[:40], "40 hex", "", "jabberd2"),
        ("2h4kz8xq1a", "40 hex", "dialback=yes dialback_errors=yes", "Openfire"),
    ],
)
def test_what_the_wire_shows_of_a_product(id: str, key: str, features: str, name: str) -> None:
    """Its stream ids, its keys and its features."""
    text = STREAM.format(id=id, header="") + FEATURES.format(features=features) + KEY.format(key=key)
    assert told(peer(text))[0] == name


def test_google_talk_by_its_header_and_its_records() -> None:
    """And what a peer of it meets."""
    text = DNS.format(target="xmpp-server.l.google.com") + STREAM.format(id="1A2B3C4D5E6F7081", header="version=-")
    found = peer(text)
    assert told(found)[0] == "Google Talk"
    assert "stream id: 16 upper hex (inferred)" in told(found)[2]
    assert found.product is not None and "before version 1.0" in found.product.expect[0]
    assert found.policy.version == ""


def test_one_mark_names_nobody() -> None:
    """It is a guess, with the mark."""
    name, guesses, marks = told(peer(STREAM.format(id="05E295A2B", header="")))
    assert name is None
    assert "Cisco XCP (CUPS, IM and Presence, Expressway)" in guesses
    assert "stream id: 9 upper hex" in marks


def test_inference_alone_names_nobody() -> None:
    """WebEx runs Cisco's code, as far as is known; without its records it is not told from Cisco's own."""
    text = STREAM.format(id="05E295A2B", header="") + KEY.format(key="40 hex")
    assert told(peer(text))[0] == "Cisco XCP (CUPS, IM and Presence, Expressway)"
    assert told(peer(DNS.format(target="s2s.example.webexconnect.com") + text))[0] == "WebEx Connect"


def test_marks_that_contradict_each_other() -> None:
    """Prosody's id with another's keys: no name."""
    text = STREAM.format(id="f2fd4179-b11b-4c2e-8f6e-0a1b2c3d4e5f", header="") + KEY.format(key="40 hex")
    assert told(peer(text))[0] is None


def test_a_log_and_the_wire() -> None:
    """The log of the peer's server is a mark of its own."""
    log = scene.log(
        "peer.log",
        "prosody",
        "Sep  6 09:14:01 s2sin55c0d1e2f3\tinfo\tIncoming s2s connection cupdomain.com->example.net complete\n",
    )
    text = STREAM.format(id="f2fd4179-b11b-4c2e-8f6e-0a1b2c3d4e5f", header="")
    assert told(peer(text, log))[0] == "Prosody"
    assert "log: prosody" in told(peer(text, log))[2]


SIP = """
0.03  10.0.0.5:4001 > 10.0.0.53:53  query SRV _sipfederationtls._tcp.example.net
0.04  back  answer SRV _sipfederationtls._tcp.example.net = 0 0 5061 {target}
"""
SECURED = """
0.16  same                                 StreamFeatures starttls=required dialback=no
0.17  10.0.0.5:40000 > 198.51.100.10:5269  StartTls word=starttls
0.18  back                                 StartTls word=proceed
0.19  same                                 TlsCertificate names={names}
"""
EDGE = "sip.example.net,webcon.example.net,example.net"


def lync(id: str = "a1", target: str = "sip.example.net", names: str = EDGE) -> str:
    """A server set up as Microsoft describes an Edge."""
    dns = DNS.format(target="sip.example.net") + SIP.format(target=target)
    return dns + STREAM.format(id=id, header="") + SECURED.format(names=names)


def test_lync_by_its_certificate_and_the_host_that_it_shares_with_sip() -> None:
    """How its maker has it set up, in two places; that DNS names it so is inference, and said."""
    found = peer(lync())
    assert told(found) == (
        "Lync Server (XMPP proxy of its Edge)",
        [],
        ["certificate: the domain and its sip.", "DNS: host of SIP federation (inferred)"],
    )
    assert found.product is not None and "only under TLS" in found.product.expect[0]


def test_lync_behind_another_name_of_the_same_address() -> None:
    """As in Microsoft's example: xmpp. and sip. are two names of the Access Edge."""
    addresses = """
0.05  10.0.0.5:4002 > 10.0.0.53:53  query A xmpp.example.net
0.06  back  answer A xmpp.example.net = 198.51.100.10
0.07  10.0.0.5:4003 > 10.0.0.53:53  query A sip.example.net
0.08  back  answer A sip.example.net = 198.51.100.10
"""
    dns = DNS.format(target="xmpp.example.net") + SIP.format(target="sip.example.net") + addresses
    text = dns + STREAM.format(id="a1", header="") + SECURED.format(names=EDGE)
    assert told(peer(text))[0] == "Lync Server (XMPP proxy of its Edge)"


@pytest.mark.parametrize(
    "text",
    [
        lync(target="sipfed.online.lync.com"),
        lync(names="xmpp.example.net,example.net"),
        lync(id="05E295A2B"),
        lync(id="f2fd4179-b11b-4c2e-8f6e-0a1b2c3d4e5f"),
    ],
    ids=[
        "SIP is elsewhere",
        "a certificate without sip.",
        "Expressway does both as well",
        "Prosody beside a SIP proxy",
    ],
)
def test_what_looks_a_little_like_lync(text: str) -> None:
    """One mark is not enough, nor are two beside the id of another's stream."""
    assert "Lync" not in (told(peer(text))[0] or "")


def test_policies_that_do_not_go_together() -> None:
    """From either side."""
    strict = Policy("1.0", "required", ("EXTERNAL",), False)
    old = Policy("", None, None, True)
    open_ = Policy("1.0", "absent", (), True)
    assert list(clash(strict, old)) == ["we require TLS and they have none"]
    assert list(clash(open_, strict)) == [
        "they require TLS and we have none",
        "they do without dialback and we offer no SASL EXTERNAL",
    ]
    assert list(clash(open_, open_)) == []
