"""Records to columns: link layer, IP and transport header of a whole block of packets, without a loop over them.

Every packet is brought to one shape: a row of 80 bytes, its IP header at byte 14, its transport header at byte 34,
as plain Ethernet and IPv4 have it.
Most are so already; tags are stepped over and other headers moved.
From then on a header field is a column.
What is read: Ethernet, 802.1Q and QinQ, SNAP, PPPoE, Linux cooked (both), BSD loopback, PPP, C-HDLC and raw IP;
IPv4 with options, IPv6 with extension headers.
What else may hold IP packets is named in `Columns.unread`, never silently left out.
Knows nothing of which packets matter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from parsers.capture.packet import TCP, UDP
from parsers.capture.window import NO_INTERFACE, NO_PACKET, Column, Records

BLOCK_LEN = 16_384
"""Packets decoded at once: their columns stay in the processor's second-level cache."""
_ROW = 80
_IP, _TRANSPORT = 14, 34
"""Where a row's headers begin."""
_TRANSPORT_LEN = 20
_UDP_LEN = 8
"""Bytes of the transport header in a row: TCP without options."""

OTHER, CUT, FRAGMENT, ICMP, ICMP6 = 0, 1, 2, 3, 4
"""Kinds of packet beside TCP (6) and UDP (17), which are called by their protocol numbers."""

_IPV4, _IPV6 = 0x0800, 0x86DD
"""Ethertypes."""
_TAGS = (0x8100, 0x88A8, 0x9100)
"""802.1Q, 802.1ad, and the ethertype that QinQ had before."""
_PPPOE = 0x8864
"""PPPoE session (RFC 2516)."""
_PPP_PROTOCOLS = {0x0021: _IPV4, 0x0057: _IPV6}
"""PPP protocol numbers (RFC 1332, RFC 5072)."""
_PPP_CAPSULES = {0x002D: "compressed PPP", 0x002F: "compressed PPP", 0x00FD: "compressed PPP", 0x003D: "multilink PPP"}
"""Those that hold IP in a form that is not decoded."""
_SNAP = (0xAA, 0xAA, 0x03, 0, 0, 0)
"""LLC and SNAP header that is followed by an ethertype (RFC 1042)."""
_TAGS_MAX = 8
"""Tags stepped over, and IPv6 extension headers; a packet with more is damage or an attack."""

_RAW = (101, 12, 14, 228, 229)
"""Raw IP: as registered, of two BSDs, and of one version only."""
_LOOPBACK = (0, 108)
"""BSD loopback, in the byte order of the host and of the network."""
_PPP = (9, 50)
"""PPP, and PPP in HDLC-like framing."""
_COOKED2 = 276
"""Linux cooked, second version."""
_ROW_SHIFT = {1: 0, 113: 2, _COOKED2: 6, 104: -10}
_ROW_SHIFT |= dict.fromkeys((*_LOOPBACK, *_PPP), -10) | dict.fromkeys(_RAW, -14)
"""Link type → what to add to a packet's start so that its IP header is at byte 14. All others are not decoded."""
_NOT_PACKETS = {NO_INTERFACE: "interface never described", NO_PACKET: "no packet, but a custom block or a system event"}
_FAMILY = {2: _IPV4, 10: _IPV6, 24: _IPV6, 28: _IPV6, 30: _IPV6}
"""Address families of BSD loopback headers, each system with its own number for IPv6."""

_CAPSULES_BY_ETHERTYPE = {0x8847: "MPLS", 0x8848: "MPLS", 0x88E7: "802.1ah", 0x88E5: "MACsec", 0x894F: "NSH"}
"""Encapsulations by their registered numbers. Whatever they carry is not decoded."""
_CAPSULES_BY_PROTOCOL = {4: "IP in IP", 41: "IPv6 in IP", 47: "GRE", 50: "ESP", 51: "AH", 97: "EtherIP", 137: "MPLS"}
_VXLAN = (0x7F00_0000_0000_00FF, 0x0800_0000_0000_0000)
_GENEVE = 0xC03F_FFFF_0000_00FF
_CAPSULES_BY_UDP_PORT = (
    (4789, "VXLAN", *_VXLAN),
    (8472, "VXLAN", *_VXLAN),
    (6081, "Geneve", _GENEVE, 0x6558_0000_0000),
    (6081, "Geneve", _GENEVE, _IPV4 << 32),
    (6081, "Geneve", _GENEVE, _IPV6 << 32),
    (2152, "GTP-U", 0xF0FF_0000_0000_0000, 0x30FF_0000_0000_0000),
)
"""Port, name, and what is fixed of the first eight bytes, as mask and value: RFC 7348 section 5, with VXLAN-GBP's group
or without; RFC 8926 section 3.4, Ethernet or IP inside; 3GPP TS 29.281 section 5.1, a user's packet.
Clients take such ports by chance, and a capture in which any were suspected would be read again by tshark."""
_HEADLESS = 0xFFFF
"""Put in place of an ethertype (it is a reserved one) where the snap length cut even that."""
_EXTENSIONS = (0, 43, 44, 60, 135, 139, 140)
"""IPv6 extension headers that have the common form (RFC 8200 section 4), 44 being the fragment header."""
_FRAGMENT_HEADER = 44

_KIND = np.zeros(256, np.uint8)
_KIND[[TCP, UDP, 1, 58]] = TCP, UDP, ICMP, ICMP6
_IS_EXTENSION = np.zeros(256, bool)
_IS_EXTENSION[list(_EXTENSIONS)] = True
_IS_CAPSULE = np.zeros(256, bool)
_IS_CAPSULE[list(_CAPSULES_BY_PROTOCOL)] = True
_IS_CAPSULE_PORT = np.zeros(65_536, bool)
_IS_CAPSULE_PORT[[port for port, *_ in _CAPSULES_BY_UDP_PORT]] = True

Bytes2D = NDArray[np.uint8]
Indices = NDArray[np.int64]


class Memory:
    """A window's memory as numpy sees it; made once, for the memory is used again."""

    def __init__(self, memory: bytearray) -> None:
        """`memory` has bytes to spare at both ends (`window.FRONT`, `window.BACK`)."""
        self.raw = memory
        self.view = memoryview(memory)
        self.bytes = np.frombuffer(memory, np.uint8)

    def rows(self, at: Column, length: int) -> Bytes2D:
        """`length` bytes from each offset on, as one row each."""
        every = np.ndarray((len(self.raw) - length,), f"V{length}", buffer=self.raw, strides=(1,))
        return every[at].view(np.uint8).reshape(len(at), length)


class Columns(NamedTuple):
    """A block of packets, one value of each column for each packet."""

    kind: NDArray[np.uint8]
    """TCP, UDP, ICMP, ICMP6, FRAGMENT, CUT (its headers are not all there) or OTHER."""
    sport: NDArray[np.uint16]
    """Sender's port, where the kind is TCP or UDP; of a cut packet 0 where it is not there."""
    dport: NDArray[np.uint16]
    """Receiver's port."""
    six: NDArray[np.bool_]
    """It is IPv6."""
    network: Column
    """Where the IP header begins in memory."""
    transport: Column
    """Where the transport header begins."""
    end: Column
    """Where the captured bytes end."""
    rows: Bytes2D
    """The packets in one shape: IP header at byte 14, transport header at byte 34."""
    unread: dict[str, int]
    """Packets that are not decoded though they might hold anything, counted by name."""

    @property
    def flags(self) -> NDArray[np.uint8]:
        """TCP control bits."""
        return self.rows[:, _TRANSPORT + 13]

    def payload(self, chosen: Indices) -> tuple[Column, Column, Column]:
        """Where the payload of chosen TCP and UDP packets begins, where what was captured of it ends, and its length.

        The length is the IP header's word, and greater than what was captured when the snap length cut it.
        """
        header_len = np.maximum((self.rows[chosen, _TRANSPORT + 12] >> 4).astype(np.int64) * 4, _TRANSPORT_LEN)
        header_len[self.kind[chosen] != TCP] = 8
        begin = self.transport[chosen] + header_len
        words = self.rows.view(">u2")
        by_header = words[chosen, (_IP + 2) // 2].astype(np.int64)
        six = self.six[chosen].nonzero()[0]
        by_header[six] = words[chosen[six], (_IP + 4) // 2]
        # Offload engines hand over packets whose length field is still 0: what was captured is all that is known then.
        unsaid = by_header == 0
        by_header[six] += 40
        captured_end = self.end[chosen]
        end = np.where(unsaid, captured_end, self.network[chosen] + by_header)
        length = np.maximum(end - begin, 0)
        return begin, np.maximum(np.minimum(end, captured_end), begin), length


def decode(memory: Memory, records: Records) -> Columns:
    """Decode a block of records."""
    unread: dict[str, int] = {}
    origin, rows, ethertype = _link_layer(memory, records, unread)
    end = records.starts + records.lengths
    first = rows[:, _IP]
    plain = (ethertype == _IPV4) & (first == 0x45)
    protocol = rows[:, _IP + 9].copy()
    fragment = (rows.view("<u2")[:, (_IP + 6) // 2] & 0xFF3F) != 0  # offset and "more fragments", bytes swapped
    transport = origin + _TRANSPORT
    six = np.zeros(len(rows), bool)
    odd = (~plain).nonzero()[0]
    if len(odd):
        version = first[odd] >> 4
        kinds = ethertype[odd]
        is_six = (kinds == _IPV6) & (version == 6)
        is_four = (kinds == _IPV4) & (version == 4) & (first[odd] & 15 >= 5)
        broken = ((kinds == _IPV4) | (kinds == _IPV6)) & ~is_six & ~is_four
        # A header that the snap length cut has random bytes here, and is counted as cut.
        seen = end[odd] > origin[odd] + _IP
        _count(unread, "broken IP header", int((broken & seen).sum()))
        _count_capsules(unread, kinds[(kinds != _IPV4) & (kinds != _IPV6)])
        protocol[odd[~is_six & ~is_four]] = 255
        fragment[odd[~is_four]] = False
        _move_options(memory, odd[is_four], rows, origin, transport)
        ours = odd[is_six]
        six[ours] = True
        _move_six(memory, ours, rows, origin, transport, protocol, fragment, end)
        plain[odd[is_four | is_six]] = True
        plain[odd[broken & ~seen]] = True
    words = rows.view(">u2")
    sport, dport = words[:, _TRANSPORT // 2].astype(np.uint16), words[:, _TRANSPORT // 2 + 1].astype(np.uint16)
    kind = _KIND[protocol]
    capsule = _IS_CAPSULE[protocol] & plain
    if capsule.any():
        for number, count in zip(*np.unique(protocol[capsule], return_counts=True), strict=True):
            _count(unread, _CAPSULES_BY_PROTOCOL[int(number)], int(count))
    kind[fragment & ((kind == TCP) | (kind == UDP))] = FRAGMENT
    kind[ethertype == _HEADLESS] = CUT
    room = end - transport
    short = (room < _TRANSPORT_LEN) & plain
    if short.any():
        _mark_cut(short.nonzero()[0], kind, room, sport, dport)
    if _IS_CAPSULE_PORT[dport].any():
        udp = (kind == UDP) & (room >= _UDP_LEN + 8)
        for port, name, mask, value in _CAPSULES_BY_UDP_PORT:
            chosen = ((dport == port) & udp).nonzero()[0]
            begin = rows[chosen, _TRANSPORT + _UDP_LEN : _TRANSPORT + _UDP_LEN + 8].view(">u8")
            _count(unread, name, int((begin & np.uint64(mask) == np.uint64(value)).sum()))
    return Columns(kind, sport, dport, six, origin + _IP, transport, end, rows, unread)


def _count(unread: dict[str, int], name: str, count: int) -> None:
    if count:
        unread[name] = unread.get(name, 0) + count


def _count_capsules(unread: dict[str, int], ethertypes: NDArray[np.uint16]) -> None:
    for ethertype, count in zip(*np.unique(ethertypes, return_counts=True), strict=True):
        if name := _CAPSULES_BY_ETHERTYPE.get(int(ethertype)):
            _count(unread, name, int(count))


def _mark_cut(
    short: Indices,
    kind: NDArray[np.uint8],
    room: Column,
    sport: NDArray[np.uint16],
    dport: NDArray[np.uint16],
) -> None:
    """Packets without their whole transport header, or whose IP header is cut so that they could be anything."""
    kinds, left = kind[short], room[short]
    cut = (left < 0) | ((kinds == TCP) & (left < _TRANSPORT_LEN)) | ((kinds == UDP) & (left < _UDP_LEN))
    kind[short[cut]] = CUT
    blind = short[cut & (left < 4)]
    sport[blind] = dport[blind] = 0


def _link_layer(memory: Memory, records: Records, unread: dict[str, int]) -> tuple[Column, Bytes2D, NDArray[np.uint16]]:
    """Where each row begins in memory, the rows with the IP header at byte 14, and the ethertype of what is there."""
    links = records.links
    origin = records.starts.copy()
    if isinstance(links, np.ndarray):
        present = [(int(link), (links == link).nonzero()[0]) for link in np.unique(links)]
    else:
        present = [(links, np.arange(len(origin)))]
    for link, chosen in present:
        if shift := _ROW_SHIFT.get(link, 0):
            origin[chosen] += shift
    rows = memory.rows(origin, _ROW)
    ethertype = rows.view(">u2")[:, 6].astype(np.uint16)
    decoded = np.ones(len(origin), bool)
    for link, chosen in present:
        if link not in _ROW_SHIFT:
            _count(unread, _NOT_PACKETS.get(link, f"link type {link}"), len(chosen))
            ethertype[chosen] = 0
            decoded[chosen] = False
        elif link in _RAW:
            version = rows[chosen, _IP] >> 4
            ethertype[chosen] = np.where(version == 4, _IPV4, np.where(version == 6, _IPV6, 0))
        elif link in _LOOPBACK:
            ethertype[chosen] = _families(rows[chosen])
        elif link == _COOKED2:
            ethertype[chosen] = memory.rows(records.starts[chosen], 2).view(">u2")[:, 0]
        elif link in _PPP:
            bare = chosen[(rows[chosen, 10] != 0xFF) | (rows[chosen, 11] != 0x03)]
            _move_rows(memory, bare, -2, origin, rows)
            _ppp(memory, chosen, origin, rows, ethertype, unread)
    _step_over_tags(memory, origin, rows, ethertype, unread)
    ethertype[(records.starts + records.lengths < origin + _IP) & decoded] = _HEADLESS
    return origin, rows, ethertype


def _families(rows: Bytes2D) -> NDArray[np.uint16]:
    """BSD loopback: an address family in the byte order of the machine that wrote it."""
    found = np.zeros(len(rows), np.uint16)
    field = rows[:, 10:14]
    for family, ethertype in _FAMILY.items():
        found[(field == (family, 0, 0, 0)).all(1) | (field == (0, 0, 0, family)).all(1)] = ethertype
    return found


def _move_rows(memory: Memory, chosen: Indices, step: int, origin: Column, rows: Bytes2D) -> None:
    """Let chosen rows begin `step` bytes later."""
    if len(chosen):
        origin[chosen] += step
        rows[chosen] = memory.rows(origin[chosen], _ROW)


def _ppp(
    memory: Memory,
    chosen: Indices,
    origin: Column,
    rows: Bytes2D,
    ethertype: NDArray[np.uint16],
    unread: dict[str, int],
) -> None:
    """PPP protocol numbers become ethertypes: two bytes or, when the first is odd, one (RFC 1661 section 6.5)."""
    short = rows[chosen, 12] & 1 == 1
    _move_rows(memory, chosen[short], -1, origin, rows)
    protocols = rows[chosen].view(">u2")[:, 6].astype(np.uint16)
    protocols[short] &= 0xFF
    ethertype[chosen] = 0
    for protocol, known in _PPP_PROTOCOLS.items():
        ethertype[chosen[protocols == protocol]] = known
    for protocol, name in _PPP_CAPSULES.items():
        _count(unread, name, int((protocols == protocol).sum()))


def _step_over_tags(
    memory: Memory, origin: Column, rows: Bytes2D, ethertype: NDArray[np.uint16], unread: dict[str, int]
) -> None:
    """VLAN tags, PPPoE and SNAP headers: the row begins later, so that the ethertype behind them is in its place."""
    odd = ((ethertype != _IPV4) & (ethertype != _IPV6)).nonzero()[0]
    for _ in range(_TAGS_MAX):
        if not len(odd):
            return
        kinds = ethertype[odd]
        tagged = odd[(kinds == _TAGS[0]) | (kinds == _TAGS[1]) | (kinds == _TAGS[2])]
        pppoe = odd[kinds == _PPPOE]
        snap = odd[(kinds > 0) & (kinds <= 1500)]
        if len(snap):
            snap = snap[(rows[snap, 14:20] == _SNAP).all(1)]
        for moved, step in ((tagged, 4), (pppoe, 8), (snap, 8)):
            if len(moved):
                _move_rows(memory, moved, step, origin, rows)
                ethertype[moved] = rows[moved, 12].astype(np.uint16) << 8 | rows[moved, 13]
        if len(pppoe):
            _ppp(memory, pppoe, origin, rows, ethertype, unread)
        odd = np.concatenate([tagged, snap])


def _move_options(memory: Memory, chosen: Indices, rows: Bytes2D, origin: Column, transport: Column) -> None:
    """IPv4 options: the transport header comes later."""
    if len(chosen):
        transport[chosen] = origin[chosen] + _IP + (rows[chosen, _IP] & 15).astype(np.int64) * 4
        rows[chosen, _TRANSPORT : _TRANSPORT + _TRANSPORT_LEN] = memory.rows(transport[chosen], _TRANSPORT_LEN)


def _move_six(
    memory: Memory,
    chosen: Indices,
    rows: Bytes2D,
    origin: Column,
    transport: Column,
    protocol: NDArray[np.uint8],
    fragment: NDArray[np.bool_],
    end: Column,
) -> None:
    """IPv6: the header is 20 bytes longer, and extension headers may follow (RFC 8200 section 4)."""
    if not len(chosen):
        return
    following = rows[chosen, _IP + 6]
    transport[chosen] = origin[chosen] + _IP + 40
    protocol[chosen] = following
    rows[chosen, _TRANSPORT : _TRANSPORT + _TRANSPORT_LEN] = rows[chosen, _TRANSPORT + 20 : _TRANSPORT + 40]
    extended = chosen[_IS_EXTENSION[following]]
    stepped = extended
    for _ in range(_TAGS_MAX):
        # A header that is cut stays where it is: the packet has no room for a transport header then, and counts as cut.
        extended = extended[transport[extended] + 8 <= end[extended]]
        if not len(extended):
            break
        headers = memory.rows(transport[extended], 8)
        is_fragment = protocol[extended] == _FRAGMENT_HEADER
        offset_and_more = headers[:, 2].astype(np.uint16) << 8 | headers[:, 3]
        fragment[extended] |= is_fragment & (offset_and_more & 0xFFF9 != 0)
        transport[extended] += np.where(is_fragment, 8, (headers[:, 1].astype(np.int64) + 1) * 8)
        protocol[extended] = headers[:, 0]
        # Behind a later fragment's header comes the middle of something, not another header.
        extended = extended[_IS_EXTENSION[headers[:, 0]] & ~(is_fragment & (offset_and_more & 0xFFF8 != 0))]
    if len(stepped):
        within = np.minimum(transport[stepped], len(memory.raw) - _TRANSPORT_LEN - 1)
        rows[stepped, _TRANSPORT : _TRANSPORT + _TRANSPORT_LEN] = memory.rows(within, _TRANSPORT_LEN)
        unfinished = stepped[_IS_EXTENSION[protocol[stepped]]]
        transport[unfinished] = np.maximum(transport[unfinished], end[unfinished] + 1)  # cannot be told: cut
