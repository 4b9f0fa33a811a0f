"""The public captures beside a checkout: each is read without an exception, and every frame is counted.

What the manifest says of each was told by tshark, or, where tshark refuses, by a walk over the records.
"""

from __future__ import annotations

import csv
import re

import pytest

from parsers.capture.packet import Lost
from parsers.capture.select import packets
from parsers.errors import SourceUnreadable
from parsers.source import How, Reading
from tests.conftest import SHARED

pytestmark = pytest.mark.needs_shared

CAPTURES = SHARED / "captures"
EVERYTHING = How(ports=tuple(range(65_536)), dns_names=("*",))

NO_CAPTURES = {
    "formats/PcapPlusPlus__solaris.snoop": "snoop, which fedtrace does not read",
    "formats/libtrace__5_packets.erf.gz": "ERF, which fedtrace does not read",
    "formats/libtrace__legacypos.gz": "a DAG file without a magic number, which tshark does not know either",
    "damaged/lnav__access_log.gz": "a log",
    "damaged/suricata__gztest-03-fcomment.gz": "a gzip file cut inside its header",
    "damaged/suricata__gztest-12-invalid-crc32.gz": "a gzip file of a few words",
}
"""Not read at all, and why that is right."""
FURTHER_THAN_TSHARK = {
    "damaged/suricata-verify__10.7.29.101_49898-178.63.41.150_25.pcap": (199, 3),
    "damaged/suricata-verify__tls_DER-incomplete-header.pcap": (13, 80),
}
"""tshark stops at a broken record length; fedtrace passes over some bytes and reads on: frames, and bytes lost."""


def manifest() -> list[tuple[str, int]]:
    """Every capture and how many records it has."""
    if not CAPTURES.is_dir():
        return []
    with (CAPTURES / "MANIFEST.tsv").open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [(row["file"].removeprefix("files/"), max(map(int, re.findall(r"\d+", row["packets"])))) for row in rows]


@pytest.mark.parametrize(("name", "count"), manifest())
def test_every_frame_is_counted(name: str, count: int) -> None:
    """No exception, no hang, and as many frames as the manifest says."""
    reading = Reading()
    if name in NO_CAPTURES:
        with pytest.raises(SourceUnreadable):
            list(packets(CAPTURES / name, EVERYTHING, reading))
        return
    lost = [one for one in packets(CAPTURES / name, EVERYTHING, reading) if isinstance(one, Lost)]
    if name in FURTHER_THAN_TSHARK:
        count, missing = FURTHER_THAN_TSHARK[name]
        assert [one.count for one in lost if one.unit == "bytes"] == [missing]
    assert reading.frames == count


def test_what_is_not_decoded_is_named() -> None:
    """Link layers that fedtrace does not know are counted, never passed over in silence."""
    for name, unknown in (
        ("linktypes/tcpdump__LINKTYPE_PKTAP.pcap", "link type 258"),
        ("linktypes/zeek__nflog-http.pcap", "link type 239"),
        ("damaged/scapy__bad_rsn_parsing_overrides_ssid.pcap", "link type 127"),
    ):
        reading = Reading()
        list(packets(CAPTURES / name, How(), reading))
        assert reading.unknown == {unknown: reading.frames}


def test_cut_files_say_so() -> None:
    """Their good part is read, and what is missing is said."""
    for name in ("damaged/sample-captures__EmergeSync.cap", "damaged/markofu__http-fault-post.pcap"):
        lost = [one.what for one in packets(CAPTURES / name, How(), Reading()) if isinstance(one, Lost)]
        assert lost == ["the last record is cut off"]
