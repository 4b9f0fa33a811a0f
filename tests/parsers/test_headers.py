"""Bare packets: headers with other addresses, good checksums, and nothing else of what was there."""

from __future__ import annotations

import random
import socket
import struct
from ipaddress import ip_address

import pytest

from parsers.capture.headers import Headers
from tests.parsers.packets import HERE, THERE, ip, tcp, udp

SECRET = b"<message><body>secret</body></message>"
SIX, SEVEN = "2620:0:1::6", "2620:0:1::7"
TOLD = {HERE: "10.224.0.1", THERE: "240.0.0.1", SIX: "2001:db8::1", SEVEN: "2001:db8::2"}
HEADERS = Headers(TOLD.__getitem__)


def good(data: bytes) -> bool:
    """Whether the checksum in it is that of RFC 1071."""
    data += bytes(len(data) % 2)
    summed = sum(struct.unpack(f">{len(data) // 2}H", data))
    return (summed & 0xFFFF) + (summed >> 16) in (0xFFFF, 0x1FFFE)


def sums(packet: bytes) -> bool:
    """Whether the checksums of a whole packet are good, those of its IP header and of what it carries."""
    six = packet[0] >> 4 == 6
    begin = 40 if six else (packet[0] & 15) * 4
    proto = packet[6] if six else packet[9]
    pseudo = packet[8:40] if six else packet[12:20]
    covered = b"" if proto == 1 else pseudo + struct.pack(">II", len(packet) - begin, proto)
    return (six or good(packet[:begin])) and good(covered + packet[begin:])


def ends(packet: bytes) -> tuple[str, str]:
    """Both addresses."""
    six = packet[0] >> 4 == 6
    at, size = (8, 16) if six else (12, 4)
    family = socket.AF_INET6 if six else socket.AF_INET
    src, dst = (socket.inet_ntop(family, packet[at + n * size : at + n * size + size]) for n in (0, 1))
    return src, dst


FOUR, BOTH_SIX = {"src": HERE, "dst": THERE}, {"src": SIX, "dst": SEVEN}


@pytest.mark.parametrize("way", [FOUR, BOTH_SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("proto", [6, 17])
def test_a_packet_without_payload_is_whole(way: dict[str, str], proto: int) -> None:
    """Other addresses, the same ports, and good checksums."""
    body = tcp(40_000, 5269, flags=2, seq=7, ack=9) if proto == 6 else udp(40_000, 53)
    packet = ip(body, proto=proto, **way)
    told = HEADERS.of(packet, len(packet))

    assert ends(told.data) == tuple(TOLD[a] for a in (way["src"], way["dst"]))
    assert told.wire_len == len(told.data) == len(packet)
    assert sums(told.data)
    assert told.data[-len(body) :][:4] == body[:4]
    if proto == 6:
        assert told.data[-20:-4] == body[:16]


@pytest.mark.parametrize("way", [FOUR, BOTH_SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("proto", [6, 17])
def test_payload_is_cut_and_its_length_stays(way: dict[str, str], proto: int) -> None:
    """As a snap length does; the checksum is that of a payload of zeros, and does not tell of the real one."""
    make = tcp if proto == 6 else udp
    packet = ip(make(40_000, 5269, SECRET), proto=proto, **way)
    other = ip(make(40_000, 5269, bytes(len(SECRET))), proto=proto, **way)
    told = HEADERS.of(packet, len(packet))

    assert (len(told.data), told.wire_len) == (len(packet) - len(SECRET), len(packet))
    assert told == HEADERS.of(other, len(other))
    assert sums(told.data + bytes(len(SECRET)))


def test_what_stands_in_for_the_payload_of_udp_has_its_own_length() -> None:
    """In the datagram, in the packet, on the wire."""
    packet = ip(udp(40_000, 53, SECRET), proto=17)
    told = HEADERS.of(packet, len(packet), lambda payload: b"odd" if payload == SECRET else None)

    assert told.data.endswith(struct.pack(">HH", 53, 11) + told.data[-5:-3] + b"odd")
    assert told.wire_len == len(told.data) == 31
    assert sums(told.data)
    assert struct.unpack_from(">H", told.data, 2) == (31,)


def test_options_that_may_tell_who_it_is_do_not_stay() -> None:
    """Segment size, window scale, SACK and time stamps do; cookies, digests, addresses and rubbish do not."""
    size, scale, stamps = b"\2\4\5\xb4", b"\3\3\7", b"\x08\x0a" + bytes(range(8))
    address = ip_address(THERE).packed
    multipath, cookie, odd_size = b"\x1e\6" + address, b"\x22\6abcd", b"\2\6abcd"
    options = size + multipath + scale + cookie + stamps + odd_size + b"\0hide"
    packet = ip(tcp(1, 2, flags=2, options=options), options=b"\7\7\x08" + address + b"\0")
    told = HEADERS.of(packet, len(packet)).data

    assert told[20:28] == b"\1" * 8
    assert told[48:] == size + b"\1" * 6 + scale + b"\1" * 6 + stamps + b"\1" * 6 + bytes(5)
    assert address not in told
    assert sums(told)


def test_an_error_quotes_other_addresses() -> None:
    """Headers within the quote, what size would fit, and nothing of the payload that was quoted."""
    quoted = ip(tcp(40_000, 5269, SECRET, seq=77), src=THERE, dst=HERE)
    packet = ip(b"\3\4\0\0\0\x11\5\x78" + quoted, proto=1)
    told = HEADERS.of(packet, len(packet)).data

    assert sums(told)
    assert told[20:22] + told[24:28] == b"\3\4\0\0\5\x78", "the rest is not said by RFC 1191"
    assert ends(told[28:]) == ("240.0.0.1", "10.224.0.1")
    assert good(told[28:48])
    assert struct.unpack_from(">H", told, 30) == (len(quoted),)
    assert told[48:] == quoted[20:28]


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_an_error_of_six_quotes_other_addresses(kind: int) -> None:
    """As little as eight bytes of the quoted header are enough."""
    quoted = ip(tcp(40_000, 5269, SECRET, seq=77), src=SEVEN, dst=SIX)[:48]
    packet = ip(bytes([kind, 0, 0, 0, 0, 0, 5, 0]) + quoted, proto=58, **BOTH_SIX)
    told = HEADERS.of(packet, len(packet)).data

    assert sums(told)
    assert told[44:48] == (b"\0\0\5\0" if kind == 2 else bytes(4))
    assert ends(told[48:]) == ("2001:db8::2", "2001:db8::1")
    assert told[88:] == quoted[40:48]


def test_other_messages_of_icmp_say_only_what_kind_they_are() -> None:
    """An echo, a redirect to some address, a neighbour's address, an error about an error."""
    for body in (b"\x08\0" + bytes(6) + SECRET, b"\5\1\0\0" + ip_address(THERE).packed + SECRET):
        packet = ip(body, proto=1)
        told = HEADERS.of(packet, len(packet))
        assert (told.data[20:22], told.data[24:], told.wire_len) == (body[:2], bytes(4), len(packet))
    neighbour = ip(b"\x87\0" + bytes(6) + ip_address(SEVEN).packed, proto=58, **BOTH_SIX)
    assert HEADERS.of(neighbour, 0).data[44:] == bytes(4)
    twice = ip(b"\3\1" + bytes(6) + ip(b"\3\1" + bytes(6) + ip(tcp(1, 2)), proto=1), proto=1)
    assert HEADERS.of(twice, 0).data[28 + 20 :] == HEADERS.of(twice, 0).data[48:56]
    assert sums(HEADERS.of(twice, 0).data)


def test_fragments_stay_joined_and_hold_nothing() -> None:
    """The first has its ports; the identification and the places of all stay."""
    whole = tcp(40_000, 5269, SECRET)
    first = ip(whole[:40], place=0x2000, ident=77)
    second = ip(whole[40:], place=5, ident=77)
    one, other = HEADERS.of(first, len(first)), HEADERS.of(second, len(second))

    assert (one.data[4:8], other.data[4:8]) == (b"\0\x4d\x20\0", b"\0\x4d\0\5")
    assert (len(one.data), one.wire_len) == (40, 60)
    assert (len(other.data), other.wire_len) == (20, len(second))
    assert good(one.data[:20]) and good(other.data)


def test_fragments_of_six_keep_no_header_but_that_of_the_fragment() -> None:
    """Options before it may hold addresses; what is behind a header that was cut in two is not looked for."""
    options = b"\x2c\0" + b"secret"
    place = b"\x11\0\0\1\0\0\0\x4d"
    packet = ip(options + place + udp(40_000, 53, SECRET), proto=0, **BOTH_SIX)
    told = HEADERS.of(packet, len(packet), lambda _: b"never in a fragment")

    assert told.data[6] == 44
    assert told.data[40:48] == place
    assert told.data[48:52] == udp(40_000, 53)[:4]
    assert (len(told.data), told.wire_len) == (56, len(packet) - 8)
    later = ip(b"\x11\0\0\x31\0\0\0\x4d" + SECRET, proto=44, **BOTH_SIX)
    assert HEADERS.of(later, len(later)).data[48:] == b""
    odd = ip(b"\x3c\0\0\1\0\0\0\x4d" + b"\x11\0secret" + udp(1, 2), proto=44, **BOTH_SIX)
    assert HEADERS.of(odd, len(odd)).data[48:] == b""


def test_the_flow_label_goes() -> None:
    """It may be made of the addresses."""
    packet = bytearray(ip(tcp(1, 2), **BOTH_SIX))
    packet[0:4] = b"\x6a\xbc\xde\xf1"
    assert HEADERS.of(bytes(packet), 60).data[:4] == b"\x6a\xb0\0\0"


def test_a_packet_of_an_offload_engine_has_the_length_that_it_has() -> None:
    """Its own header says 0."""
    packet = bytearray(ip(tcp(1, 2, SECRET)))
    packet[2:4] = bytes(2)
    told = HEADERS.of(bytes(packet), len(packet))
    assert (told.wire_len, struct.unpack_from(">H", told.data, 2)) == (len(packet), (len(packet),))


def test_of_other_protocols_nothing_but_the_ip_header_stays() -> None:
    """What is in a tunnel is not looked for."""
    packet = ip(ip(tcp(1, 2, SECRET)), proto=4)
    told = HEADERS.of(packet, len(packet))
    assert (len(told.data), told.wire_len) == (20, len(packet))


@pytest.mark.parametrize("way", [FOUR, BOTH_SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("proto", [6, 17, 1, 58])
def test_wherever_a_packet_is_cut_there_is_no_byte_of_its_payload(way: dict[str, str], proto: int) -> None:
    """And never an exception, nor more than there was."""
    body = {6: tcp(1, 2, b"Z" * 40), 17: udp(1, 2, b"Z" * 40)}.get(proto) or b"\3\1" + bytes(6) + ip(
        tcp(1, 2, b"Z" * 40), **way
    )
    packet = ip(body, proto=proto, **way)
    for length in range(len(packet)):
        told = HEADERS.of(packet[:length], len(packet))
        assert len(told.data) <= length
        assert b"Z" not in told.data


def test_rubbish_is_never_an_exception() -> None:
    """Random bytes behind a version."""
    random_ = random.Random(5)
    headers = Headers(lambda text: "::1" if ":" in text else "127.0.0.1")
    for _ in range(5_000):
        packet = bytes([random_.choice((0x45, 0x4F, 0x60))]) + random_.randbytes(random_.randrange(120))
        if random_.random() < 0.7 and len(packet) > 20:
            packet = packet[:6] + bytes([random_.choice((0, 6, 17, 44, 58))]) + b"\0\0" + b"\1" + packet[10:]
        told = headers.of(packet, random_.randrange(2_000))
        assert len(told.data) <= max(len(packet), 40)
