"""Which domain is ours: given, found and said, or asked for."""

from __future__ import annotations

from pathlib import Path

from tests import scene
from tests.command import fedtrace

OUT = """
    0.0  {host}:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to={peer}
    0.1  back  StreamHeader from={peer} to=cupdomain.com id=id-{peer}
"""


def local(text: str, *given: str) -> tuple[tuple[str, ...], str]:
    """The local domains, and what was assumed of them."""
    case = scene.case(scene.tap("capture", text), local=given)
    return case.local_domains, " ".join(case.assumed)


def test_what_is_given_is_taken_and_nothing_assumed() -> None:
    """In any spelling, each once."""
    found = local(OUT.format(host="10.0.0.5", peer="gmail.com"), "CupDomain.com.", "cupdomain.com", "gmail.com")

    assert found == (("cupdomain.com", "gmail.com"), "")


def test_what_is_given_but_never_seen_is_said() -> None:
    """A slip of the finger, beside what was seen; where nobody names a domain there is nothing to compare with."""
    seen = local(OUT.format(host="10.0.0.5", peer="gmail.com"), "nosuch.example")
    mute = local("0.0  10.0.0.5:40000 > 198.51.100.10:5269  syn\n", "nosuch.example")

    assert seen == (("nosuch.example",), "no traffic of nosuch.example was seen; seen are cupdomain.com, gmail.com")
    assert mute == (("nosuch.example",), "")


def test_who_speaks_from_an_inside_address_is_local() -> None:
    """A private address is only seen on its own side of the firewall."""
    found, assumed = local(OUT.format(host="10.0.0.5", peer="gmail.com"))

    assert found == ("cupdomain.com",)
    assert "speaks from an inside address; --local-domain says otherwise" in assumed


def test_a_refused_name_from_inside_is_local_too() -> None:
    """The peer does not believe it; it was captured inside all the same."""
    text = OUT.format(host="10.0.0.5", peer="gmail.com") + "0.2  back  StreamError condition=host-unknown\n"

    assert local(text)[0] == ("cupdomain.com",)


def test_whose_clients_were_captured_is_local() -> None:
    """Clients talk to their own server."""
    text = OUT.format(host="203.0.113.5", peer="gmail.com") + (
        "0.5  192.0.2.20:6000 > 198.51.100.10:5222  StreamHeader to=gmail.com namespace=jabber:client\n"
    )
    found, assumed = local(text)

    assert found == ("gmail.com",)
    assert "its clients were captured" in assumed


def test_who_takes_part_in_most_is_local() -> None:
    """No address tells: the one domain that all others talk to."""
    text = OUT.format(host="203.0.113.5", peer="gmail.com") + OUT.format(
        host="203.0.113.5", peer="two.example"
    ).replace("198.51.100.10", "198.51.100.11")
    found, assumed = local(text)

    assert found == ("cupdomain.com",)
    assert "it takes part in most of what was seen" in assumed


def test_two_that_look_alike_are_asked_about() -> None:
    """One conversation on a link between two public addresses."""
    link = OUT.format(host="203.0.113.5", peer="gmail.com") + ("5.0  192.0.2.1:40000 > 192.0.2.2:5269  syn\n")
    found, assumed = local(link)

    assert found == ()
    assert assumed == "cupdomain.com and gmail.com look alike as the local domain: say which with --local-domain"


def test_where_nobody_speaks_nothing_is_assumed_to_be_ours() -> None:
    """A SYN alone names no domain."""
    found, assumed = local("0.0  10.0.0.5:40000 > 198.51.100.10:5269  syn\n")

    assert found == ()
    assert "name it with --local-domain" in assumed


def test_a_claimed_name_does_not_move_our_side() -> None:
    """Somebody else says to be cupdomain.com and is refused; the address of our own server stays ours alone."""
    text = (
        OUT.format(host="10.0.0.5", peer="gmail.com")
        + """
        5.0  192.0.2.66:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        5.1  back  StreamError condition=host-unknown
    """
    )
    case = scene.case(scene.tap("capture", text), local=["cupdomain.com"])

    assert case.local_addresses == {"10.0.0.5"}


def test_a_name_that_was_only_ever_refused_still_has_its_address() -> None:
    """No stream of ours was accepted: where it spoke from is all that is known."""
    text = """
        5.0  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
        5.1  back  StreamError condition=host-unknown
    """
    case = scene.case(scene.tap("capture", text), local=["cupdomain.com"])

    assert case.local_addresses == {"10.0.0.5"}


def test_the_logs_of_both_servers_make_none_of_them_ours(tmp_path: Path) -> None:
    """Also where one server has no federation, and its log but clients: whose they are is its own."""
    (tmp_path / "ejabberd.log").write_text(
        "2026-11-22 11:03:08.244617+00:00 [info] <0.634.0>@ejabberd_s2s_out:handle_connect_failure/3:206 "
        "Failed to establish outbound s2s connection gmail.com -> cupdomain.com: Connection failed: "
        "connection refused; bouncing for 38 seconds\n"
    )
    alone = fedtrace("analyze", tmp_path).stdout
    (tmp_path / "prosody.log").write_text(
        "2026-11-22 11:03:03 c2s55967f6b1d10\tdebug\tRECV: <presence type='subscribe' to='jdoe1@gmail.com'/>\n"
        "2026-11-22 11:03:03 c2s55967f6b1d10\tdebug\tSEND: <presence to='cupuser1@cupdomain.com' "
        "from='jdoe1@gmail.com' type='error'><error type='cancel'/></presence>\n"
    )
    both = fedtrace("analyze", tmp_path).stdout

    assert "the local domain is gmail.com: the log of its server is there" in alone
    assert "cupdomain.com and gmail.com look alike as the local domain: say which with --local-domain" in both
