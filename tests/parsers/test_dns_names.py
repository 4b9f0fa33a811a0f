"""Names that matter: learnt from messages as they stand, whatever a hostile one does."""

from __future__ import annotations

import random
import struct

import pytest

from parsers.capture.dns_names import Names
from tests.parsers.packets import answer, name, question, srv

ASKED = "_xmpp-server._tcp.example.org"


def kept(messages: list[bytes], *patterns: str) -> list[int]:
    """Indices of the messages that matter."""
    return Names(patterns).choose(messages)[0]


def test_compressed_targets_are_followed() -> None:
    """Real answers point back into the question (RFC 1035 section 4.1.4)."""
    head = answer(ASKED)
    head = head[:6] + b"\0\1" + head[8:]
    target = b"\1h" + bytes([0xC0, 12 + len(name("_xmpp-server._tcp")) - 1])
    record = b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 300, 6 + len(target)) + struct.pack(">HHH", 0, 0, 5299) + target
    names = Names(())
    assert names.choose([head + record, question("h.example.org", 1), question("h.example.net", 1)])[0] == [0, 1]
    assert names.ports == {5299}


def test_a_chain_of_aliases_is_followed() -> None:
    """Each alias is learnt from the answer before it."""
    messages = [question(ASKED), question("example.org", 1)]
    for number in range(5):
        owner = f"a{number}.example.org" if number else "example.org"
        messages.append(answer(owner, (owner, 5, name(f"a{number + 1}.example.org")), rrtype=1))
    assert kept(messages) == list(range(7))


def test_only_services_between_servers_name_ports() -> None:
    """A client's port is not federation's; nor is one that a query claims, or an answer about something else."""
    names = Names(())
    client = "_xmpp-client._tcp.example.org"
    names.choose([answer(client, (client, 33, srv(5222, "c.example.org")))])
    names.choose([answer("_sip._tcp.example.org", ("_sip._tcp.example.org", 33, srv(5060, "s.example.org")))])
    names.choose([answer(ASKED, (ASKED, 33, srv(25_269, "x.example.org")))[:2] + b"\1\0" + question(ASKED)[4:]])
    assert names.ports == set()


def test_system_ports_wait_for_an_address() -> None:
    """443 alone says nothing; 443 of an address does."""
    names = Names(())
    names.choose([answer(ASKED, (ASKED, 33, srv(443, "x.example.org")))])
    assert (names.ports, names.servers) == (set(), set())
    names.choose(
        [answer("x.example.org", ("x.example.org", 1, b"\1\2\3\4"), ("x.example.org", 28, bytes(16)), rrtype=1)]
    )
    assert names.servers == {(b"\1\2\3\4", 443), (bytes(16), 443)}


def test_loops_and_cuts_end() -> None:
    """A name that points at itself, a message cut at every byte, one that claims 65,535 records."""
    whole = answer(ASKED, (ASKED, 33, srv(5269, "x.example.org")))
    looping = whole[:12] + b"\x0c_xmpp-server\xc0\x0c" + bytes(4)
    many = whole[:6] + b"\xff\xff" + whole[8:]
    assert kept([looping, many, *(whole[:cut] for cut in range(len(whole)))])[:2] == [0, 1]


def test_rubbish_is_never_an_exception() -> None:
    """Messages mangled at random."""
    random_ = random.Random(4)
    whole = answer(ASKED, (ASKED, 33, srv(5269, "x.example.org")), ("x.example.org", 5, name("y.example.org")))
    for _ in range(2_000):
        mangled = bytearray(whole)
        for _ in range(4):
            mangled[random_.randrange(len(mangled))] = random_.randrange(256)
        kept([bytes(mangled)], "*")


def test_names_followed_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit services are still read, and what they lead to is not."""
    monkeypatch.setattr("parsers.capture.dns_names._WANTED_MAX", 1)
    messages = [
        question(ASKED),
        question("_xmpp-server._tcp.example.net"),
        question("example.org", 1),
        question("example.net", 1),
    ]
    assert len(kept(messages)) == 3
