"""Which domain each end speaks for, and how that is known."""

from __future__ import annotations

import pytest

from tests import scene


def named(text: str, *local: str) -> list[tuple[str | None, str | None, str]]:
    """Initiator, receiver and how they are known, of each connection."""
    return [(c.initiator, c.receiver, c.named_by) for c in scene.case(scene.tap("cups", text), local=local).connections]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
            """,
            ("cupdomain.com", "gmail.com", "stream header"),
        ),
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader to=gmail.com
            0.1  back  StreamHeader from=gmail.com to=cupdomain.com
            """,
            ("cupdomain.com", "gmail.com", "stream header"),
        ),
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader
            0.1  same  Dialback from=cupdomain.com to=gmail.com key=k
            """,
            ("cupdomain.com", "gmail.com", "dialback"),
        ),
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  Dialback word=verify from=cupdomain.com to=gmail.com id=i key=k
            """,
            ("cupdomain.com", "gmail.com", "dialback"),
        ),
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
            0.1  back  Dialback verdict=valid from=gmail.com to=cupdomain.com
            """,
            ("cupdomain.com", "gmail.com", "dialback"),
        ),
        (
            """
            0.0  10.0.0.5:40000 > 198.51.100.10:5269  Stanza from=cupdomain.com to=gmail.com
            """,
            ("cupdomain.com", "gmail.com", "stanza"),
        ),
        (
            """
            0.0  198.51.100.10:5269 > 10.0.0.5:40000  Dialback from=gmail.com to=cupdomain.com key=k
            """,
            (None, None, "nothing"),
        ),
    ],
)
def test_the_wire_names_the_ends(text: str, names: tuple[str | None, str | None, str]) -> None:
    """The header outright, then what the initiating side asks for by dialback, then its stanzas; never the reverse."""
    assert named(text) == [names]


def test_a_lookup_names_the_end_that_nobody_answered_at() -> None:
    """The asker's own lookup, along SRV and address; another's counts only if it is the only one."""
    text = """
        0.0  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.one.example
        0.1  back  answer SRV _xmpp-server._tcp.one.example = 5 0 5269 x.example + x.example 198.51.100.10
        0.2  10.0.0.6:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.two.example
        0.3  back  answer SRV _xmpp-server._tcp.two.example = 5 0 5269 x.example + x.example 198.51.100.10
        1.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
        1.1  10.0.0.6:40000 > 198.51.100.10:5269  syn
        1.2  10.0.0.7:40000 > 198.51.100.10:5269  syn
        1.3  10.0.0.5:40001 > 198.51.100.10:5222  syn
        4000 10.0.0.5:40002 > 198.51.100.10:5269  syn
    """

    assert [receiver for _, receiver, _ in named(text)] == ["one.example", "two.example", None, None, None]


def test_the_only_domain_of_an_address_is_known_by_its_address() -> None:
    """It spoke there once; so a later SYN there is meant for it."""
    text = """
        0.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        0.1  back  StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
        9.0  10.0.0.5:40001 > 198.51.100.10:5269  syn
    """

    assert named(text)[1] == ("cupdomain.com", "gmail.com", "hosts")


def test_an_address_of_two_domains_names_neither() -> None:
    """Unless one of them was seen there more often."""
    text = "".join(
        f"""
        {n}.0  10.0.0.5:4000{n} > 198.51.100.10:5269  StreamHeader from=cupdomain.com to={name}
        {n}.1  back  StreamHeader from={name} to=cupdomain.com id=id-{n}
        """
        for n, name in enumerate(("one.example", "two.example"))
    )
    later = "9.0  10.0.0.5:40009 > 198.51.100.10:5269  syn\n"
    again = text + text.replace("4000", "4100").replace(" 0.", " 5.").replace(" 1.", " 6.").replace("two", "one")

    assert named(text + later)[-1][1] is None
    assert named(again + later)[-1][1] == "one.example"


def test_a_domain_is_not_its_own_peer() -> None:
    """A server that reaches its own public address (hairpin) is not taken for an attempt of the domain on itself."""
    text = """
        0.0  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.cupdomain.com
        0.1  back  answer SRV _xmpp-server._tcp.cupdomain.com = 5 0 5269 x.example + x.example 203.0.113.5
        1.0  10.0.0.5:40000 > 203.0.113.5:5269  syn
    """

    assert named(text, "cupdomain.com") == [(None, "cupdomain.com", "dns")]


def test_aliases_in_a_circle_lead_nowhere() -> None:
    """A zone that points at itself: nothing is found, and nothing hangs."""
    text = """
        0.0  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.1  back  answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 a.example
        0.2  10.0.0.5:4000 > 10.0.0.53:53   query A a.example
        0.3  back  answer A a.example = CNAME b.example
        0.4  10.0.0.5:4000 > 10.0.0.53:53   query A b.example
        0.5  back  answer A b.example = CNAME a.example
        1.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
    """

    assert named(text, "cupdomain.com")[0][1] is None


def test_a_clients_stream_is_no_federation() -> None:
    """Its namespace says so, and its port is none of federation; what it serves lives at the server's address."""
    text = """
        0.0  10.0.0.20:6000 > 10.0.0.5:5222  StreamHeader to=cupdomain.com namespace=jabber:client
        1.0  10.0.0.5:40000 > 198.51.100.10:5269  syn
    """

    assert named(text) == [("cupdomain.com", None, "hosts")]


def test_a_client_that_comes_to_the_federation_port_is_seen() -> None:
    """A wrong namespace on 5269 is a fault of federation."""
    text = "0.0  10.0.0.20:6000 > 10.0.0.5:5269  StreamHeader to=cupdomain.com namespace=jabber:client\n"

    assert len(named(text)) == 1


def test_who_lives_where() -> None:
    """Addresses by domain: those that spoke for it and those that DNS gives."""
    text = """
        0.0  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.1  back  answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.example, 9 0 5269 .
        0.2  10.0.0.5:4001 > 10.0.0.53:53   query A x.example
        0.3  back  answer A x.example = 198.51.100.11
        1.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        1.1  back  StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
    """

    assert scene.case(scene.tap("cups", text)).hosts == {
        "cupdomain.com": {"10.0.0.5"},
        "gmail.com": {"198.51.100.10", "198.51.100.11"},
    }
