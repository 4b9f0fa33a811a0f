"""How much of what is read is held: what lies in a stretch, a share of the pairs, or nothing but its weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from parsers import hold
from parsers.case import read_case
from parsers.count import Count
from parsers.events import Damage, Dialback, DnsAnswer, DnsRecord, Event, Flow, Said, StreamHeader, Topic, Where
from parsers.hold import CONVERSATION_WEIGHT, INPUT_WEIGHT, SLOT_NS, Hold, Streams, TooMuch, share_of, weight_of
from parsers.source import How
from tests.packets import BEGIN_S, FEATURES, header, pcap, talk

BEGIN_NS = BEGIN_S * 10**9
ENDLESS = 1 << 62


def capture(path: Path, *peers: str) -> Path:
    """A stream to each peer, the second 10 ms after the end of the first and so on."""
    frames: list[bytes] = []
    for number, peer in enumerate(peers):
        opening = ((">", header("cupdomain.com", peer)), ("<", header(peer, "cupdomain.com", "id") + FEATURES))
        frames += talk(*opening, client=("10.0.0.5", 40_000 + number))
    path.write_bytes(pcap(frames))
    return path


def line(second: int, tag: str, topic: Topic = Topic.AUTHED) -> Said:
    """A line of a server's log."""
    at_ns = second * 10**9
    return Said(topic=topic, text="", level="info", at_ns=at_ns, width_ns=1, where=Where(source="log", line=1), tag=tag)


def held(path: Path, hold: Hold) -> list[Event]:
    """What is held of a file."""
    return read_case([str(path)], How(), hold=hold).river()


def test_a_conversation_is_held_if_it_began_within_the_stretch(tmp_path: Path) -> None:
    """To its end, which lies behind it; of one that began before nothing is held."""
    path = capture(tmp_path / "a.pcap", "a.example", "b.example", "c.example")
    all_of = held(path, Hold())
    ports = {40_000: [], 40_001: [], 40_002: []}  # type: dict[int, list[Event]]
    for event in all_of:
        assert event.flow is not None
        ports[min(p for p in (event.flow.src_port, event.flow.dst_port) if p != 5269)].append(event)
    begin_ns = ports[40_000][3].at_ns

    within = held(path, Hold((begin_ns, ports[40_001][0].at_ns + 1)))

    assert within == ports[40_001]
    assert held(path, Hold((BEGIN_NS, begin_ns))) == ports[40_000]


def test_more_than_may_be_held_is_refused_while_it_is_read(tmp_path: Path) -> None:
    """By the weight of inputs, conversations and events."""
    path = capture(tmp_path / "a.pcap", "a.example")
    weight = INPUT_WEIGHT + CONVERSATION_WEIGHT + len(held(path, Hold()))

    assert held(path, Hold(most=weight))
    with pytest.raises(TooMuch):
        held(path, Hold(most=weight - 1))


def test_counting_holds_nothing(tmp_path: Path) -> None:
    """The weight is that of what would be held, in the slot in which it began."""
    path = capture(tmp_path / "a.pcap", "a.example", "b.example")
    count = Count()

    assert held(path, count) == []
    assert dict(count.slots) == {BEGIN_NS // SLOT_NS: 2 * CONVERSATION_WEIGHT + len(held(path, Hold()))}


def test_shares_are_of_whole_pairs(tmp_path: Path) -> None:
    """Each conversation is in one share; whichever way round its domains are named."""
    path = capture(tmp_path / "a.pcap", "a.example", "b.example", "c.example", "d.example")
    shares = [held(path, Hold(share=(number, 3))) for number in range(3)]

    assert sum(map(len, shares)) == len(held(path, Hold()))
    assert len([share for share in shares if share]) > 1
    assert share_of("cupdomain.com", "gmail.com", 7) == share_of("gmail.com", "cupdomain.com", 7)


def test_it_is_time_to_look_once_and_not_from_then_on() -> None:
    """A look takes as long as there are conversations: it must not be taken at each of them."""
    hold = Hold(most=16 * CONVERSATION_WEIGHT * 10)
    due = []
    for second in range(40):
        due.append(hold.due)
        if hold.due:
            hold.look([], lambda event: event.at_ns)
        assert hold.begins(second * 10**9)
    assert sum(due) == 3


def test_a_share_that_is_full_leaves_out_what_begins_then_and_says_so(tmp_path: Path) -> None:
    """It cannot be cut any further. What is held is whole."""
    path = capture(tmp_path / "a.pcap", "a.example", "b.example", "c.example")
    whole = [e for e in held(path, Hold()) if e.flow is not None and 40_000 in (e.flow.src_port, e.flow.dst_port)]

    found = held(path, Hold(most=CONVERSATION_WEIGHT, share=(0, 1)))

    damage = [e for e in found if isinstance(e, Damage)]
    assert [(e.what, e.unit) for e in damage] == [("more in a few minutes than is held at once", "frames")]
    assert [e for e in found if not isinstance(e, Damage)] == whole
    frames = len({e.where.frame for e in held(path, Hold())} - {e.where.frame for e in whole})
    assert damage[0].lost >= frames


def test_what_lies_before_the_stretch_leaves_room_for_what_lies_in_it(tmp_path: Path) -> None:
    """A quarter of all is for the minutes before."""
    path = capture(tmp_path / "a.pcap", *(f"{letter}.example" for letter in "abcdefgh"))
    events = held(path, Hold())
    begin_ns = next(e.at_ns for e in events if e.flow is not None and e.flow.src_port == 40_006)
    most = 3 * (CONVERSATION_WEIGHT + 12)

    found = held(path, Hold((begin_ns - SLOT_NS, begin_ns + SLOT_NS), most, share=(0, 1)))

    clients = {max(e.flow.src_port, e.flow.dst_port) for e in found if e.flow is not None}
    assert 40_006 in clients and 40_000 in clients and 40_003 not in clients


def test_lines_that_found_no_room_are_counted(tmp_path: Path) -> None:
    """Of a log as well, by streams: the first is held to its end."""
    lines = []
    for number in range(3):
        tag, peer = f"s2sout{number:06x}", f"{'abc'[number]}.example"
        lines += [
            f"2014-05-19 10:0{number}:00 {tag}\tinfo\tBeginning new connection attempt to {peer} ([10.9.9.9]:5269)",
            f"2014-05-19 10:0{number}:01 {tag}\tinfo\tOutgoing s2s connection cupdomain.com->{peer} complete",
        ]
    path = tmp_path / "prosody.log"
    path.write_text("\n".join(lines) + "\n")

    found = held(path, Hold(most=CONVERSATION_WEIGHT + 1, share=(0, 1)))

    assert {e.tag for e in found} == {"s2sout000000", None}
    assert [(e.what, e.lost, e.unit) for e in found if isinstance(e, Damage)] == [
        ("more in a few minutes than is held at once", 4, "lines")
    ]


def test_lines_belong_to_the_stream_that_their_tag_names() -> None:
    """Until that has ended: what is called so later is another."""
    streams = Streams(Hold())
    told = [
        streams.began_ns(line(second, tag, topic)) // 10**9
        for second, tag, topic in (
            (10, "s2sout1", Topic.CONNECTING),
            (11, "s2sout2", Topic.CONNECTING),
            (4000, "s2sout1", Topic.CLOSED),
            (4003, "s2sout1", Topic.REFUSED),
            (9000, "s2sout1", Topic.CONNECTING),
        )
    ]

    assert told == [10, 11, 10, 10, 9000]


def test_a_tag_that_speaks_of_another_pair_speaks_of_another_stream() -> None:
    """Tags are used again, and few servers say that a stream has ended; the first pair takes what came before."""
    streams = Streams(Hold())
    told = []
    for second, peer in (
        (10, None),
        (11, "a.example"),
        (12, None),
        (4000, "b.example"),
        (4001, None),
        (5000, "a.example"),
    ):
        said = line(second, "<0.12.0>")
        if peer is not None:
            said = replace(said, from_domain="cupdomain.com", to_domain=peer)
        told.append(streams.began_ns(said) // 10**9)

    assert told == [10, 10, 10, 4000, 4000, 10]


def test_of_a_log_some_lines_are_read(tmp_path: Path) -> None:
    """They keep their numbers, and the others are not counted."""
    form = "2014-05-19 00:00:{n:02} s2sout{n}\tinfo\tOutgoing s2s connection cupdomain.com->d{n}.example complete\n"
    path = tmp_path / "prosody.log"
    path.write_text("".join(form.format(n=n) for n in range(1, 60)))
    case = read_case([str(path)], How(), lines={str(path): (11, 13)})

    assert [event.where.line for event in case.river()] == [11, 12, 13]
    assert case.readings["prosody.log"].lines == 3


def test_what_one_conversation_says_beyond_all_room_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began while there was room, and cannot be cut: what found none is damage, in frames."""
    monkeypatch.setattr(hold, "SPARE", 10)
    asks = [(">", b"<db:result from='cupdomain.com' to='a.example'>k</db:result>")] * 50
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(talk((">", header("cupdomain.com", "a.example")), *asks)))
    whole = held(path, Hold())

    found = held(path, Hold(most=30, share=(0, 1)))

    kept = [e for e in found if not isinstance(e, Damage)]
    assert 10 < len(kept) <= 30 + 10 and all(e in whole for e in kept)
    frames = {e.where for e in whole if e not in kept}
    assert [(e.what, e.lost, e.unit) for e in found if isinstance(e, Damage)] == [
        ("more in a few minutes than is held at once", len(frames), "frames")
    ]


def test_lines_of_one_stream_beyond_all_room_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a capture."""
    monkeypatch.setattr(hold, "SPARE", 2)
    says = "2014-05-19 10:00:00 s2sout000001\tinfo\tOutgoing s2s connection cupdomain.com->a.example complete\n"
    path = tmp_path / "prosody.log"
    path.write_text(says * 50)

    found = held(path, Hold(most=INPUT_WEIGHT + CONVERSATION_WEIGHT + 3, share=(0, 1)))

    assert [e.where.line for e in found if isinstance(e, Said)] == [1, 2, 3, 4, 5]
    assert [(e.what, e.lost, e.unit) for e in found if isinstance(e, Damage)] == [
        ("more in a few minutes than is held at once", 45, "lines")
    ]


def test_an_event_weighs_what_it_says() -> None:
    """A header with names of a kilobyte takes more than one with ordinary names, and so does a long answer of DNS."""
    said: dict[str, Any] = {"at_ns": 0, "width_ns": 1, "where": Where(source="a.pcap", frame=1)}
    short, long = "a.example", "a" * 1_000
    one = {"id": "s1", "version": "1.0", "namespace": "jabber:server", "dialback_declared": True, **said}
    record = DnsRecord(name=short, rrtype="TXT", ttl_s=1, data="")
    answer = {"txid": 1, "name": short, "rrtype": "SRV", "rcode": 0, "authoritative": False, "truncated": False, **said}

    assert weight_of(line(1, "s2sout1")) == 1
    assert weight_of(StreamHeader(from_domain=short, to_domain=None, **one)) == 1
    assert weight_of(StreamHeader(from_domain=long, to_domain=long, **one)) == 4
    assert weight_of(DnsAnswer(answers=(record,), **answer)) == 1
    assert weight_of(DnsAnswer(answers=(replace(record, data=long),) * 60, **answer)) == 1 + 60 * 1_259 // 512


def test_what_is_remembered_of_streams_is_bounded_by_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that were longest silent it is forgotten when they began: few of long names, or with many pairs."""

    def remembered(*lines: Said) -> list[int]:
        streams = Streams(Hold())
        return [(streams.began_ns(each) or 0) // 10**9 for each in lines]

    def serving(second: int, tag: str, peer: str) -> Said:
        return replace(line(second, tag), from_domain="cupdomain.com", to_domain=peer)

    short = [line(second, f"s2sout{second}") for second in range(30)]
    long = [line(second, f"s2sout{second}{'x' * 1000}") for second in range(30)]
    pairs = [serving(second, "s2sout1", f"d{second}.example") for second in range(30)]
    monkeypatch.setattr(hold, "STREAMS_LEN_MAX", 20_000)

    assert remembered(*short, replace(short[0], at_ns=40 * 10**9))[-1] == 0
    assert remembered(*long, replace(long[0], at_ns=40 * 10**9))[-1] == 40
    assert remembered(*long, replace(long[20], at_ns=40 * 10**9))[-1] == 20
    assert remembered(*pairs, replace(pairs[0], at_ns=40 * 10**9))[-1] == 0
    monkeypatch.setattr(hold, "STREAMS_LEN_MAX", 5_000)
    assert remembered(*pairs, replace(pairs[0], at_ns=40 * 10**9))[-1] == 40


def test_a_stream_that_serves_many_pairs_weighs_as_many_attempts() -> None:
    """One is made of each pair for which it is asked (XEP-0220 section 2.6), however often."""
    flow = Flow(src_ip="203.0.113.7", src_port=50_000, dst_ip="10.0.0.5", dst_port=5269)

    def asked(name: str, *, valid: bool = False) -> Dialback:
        ours = "cupdomain.com"
        return Dialback(
            at_ns=0,
            width_ns=1,
            where=Where(source="a.pcap", frame=1),
            flow=flow.reverse if valid else flow,
            word="result",
            from_domain=ours if valid else name,
            to_domain=name if valid else ours,
            verdict="valid" if valid else None,
        )

    one = [asked("a.example"), asked("a.example", valid=True)] * 10
    many = [asked(f"d{number}.example") for number in range(10)]

    assert sum(map(Hold().weight, one)) == 20
    assert sum(map(Hold().weight, many)) == 10 + 9 * CONVERSATION_WEIGHT
    with pytest.raises(TooMuch):
        Hold(most=100).look(many, lambda event: event.at_ns)
