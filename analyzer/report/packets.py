"""What `fedtrace extract` shows of a frame: its bytes as captured; or, redacted, its headers, and words for the rest.

A redacted extract names what the redacted report names, and shows no byte of a frame that is not a header's: what a
payload said stands in comments, as the report says it. Knows nothing of the file that the frames go to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from analyzer.analysis import Analysis
from analyzer.excerpt import Excerpt
from analyzer.report.words import place, says
from parsers import events as e
from parsers.capture.clocks import Interface
from parsers.capture.excerpt import Frame, Stretch
from parsers.capture.headers import Headers
from parsers.events import Event
from parsers.redact import Original
from parsers.source import Source
from parsers.wire.dns_writer import message

_RAW = 101
"""Link type of a packet without link layer: no hardware address is told (LINKTYPE_RAW)."""
_HEADERS_TELL = (e.TcpMark, e.CaptureGap, e.Retransmission, e.Idle, e.Tally, e.Unreachable)
"""Events that Wireshark shows without a payload: they need no comment."""
_NOTHING = "no byte of this frame is shown: fedtrace itself reads no IP packet in it"


class Captured:
    """Frames as they were captured, with all that they hold."""

    about = "bytes as captured; fedtrace comments on those that prove a finding"
    """What was done to the frames, to be said in the file."""
    fingerprints = True
    """The file may tell fingerprints of the captures."""

    def source(self, shown: Source) -> Source:
        """The input that holds the frames of a source of the report."""
        return shown

    def stretches(self, excerpt: Excerpt) -> Sequence[Stretch]:
        """The conversations of an excerpt, between the ends that the frames have."""
        return excerpt.stretches

    def interface(self, interface: Interface) -> Interface:
        """The interface that the file describes for one of a capture."""
        return interface

    def packet(self, frame: Frame, told: Sequence[Event]) -> tuple[bytes, int]:
        """The bytes that are shown of a frame of which these events tell, and its length on the wire."""
        return frame.data, frame.wire_len

    def comments(self, excerpt: Excerpt, frame: Frame, told: Sequence[Event]) -> list[str]:
        """What findings cite of a frame, each rule with what the frame says."""
        cited = excerpt.evidence.get(frame.number, ())
        return [f"{finding.rule}: {says(event)}  [{place(event.where)}]" for finding, event in cited]


class Redacted(Captured):
    """What of frames may be shown to anybody."""

    about = (
        "redacted: IP, TCP and UDP headers with the addresses of the redacted report, DNS over UDP written anew, all "
        "other payload cut; comments say what fedtrace read in it, and those that begin with a rule prove a finding"
    )
    fingerprints = False

    def __init__(self, original: Original) -> None:
        """`original` is the case that the report's one stands for."""
        self._original = original
        self._headers = Headers(original.redaction.standins.address)

    def source(self, shown: Source) -> Source:
        """The input that a redacted source stands for."""
        return self._original.source(shown)

    def stretches(self, excerpt: Excerpt) -> Sequence[Stretch]:
        """The conversations, between the ends that stand-ins stand for."""
        behind = self._original.redaction.standins.address_behind
        return [
            s._replace(one=(behind(s.one[0]), s.one[1]), other=(behind(s.other[0]), s.other[1]))
            for s in excerpt.stretches
        ]

    def interface(self, interface: Interface) -> Interface:
        """One of raw IP packets; its name may be a place's."""
        return interface._replace(link=_RAW, name=interface.name and self._original.redaction.interface(interface.name))

    def packet(self, frame: Frame, told: Sequence[Event]) -> tuple[bytes, int]:
        """The headers of the packet, and the DNS message that it carries."""
        if frame.network is None:
            return b"", frame.wire_len
        asked = next((event for event in told if isinstance(event, e.DnsQuery | e.DnsAnswer)), None)
        return self._headers.of(
            frame.data[frame.network :],
            frame.wire_len - frame.network,
            lambda wire: None if asked is None else message(asked, wire),
        )

    def comments(self, excerpt: Excerpt, frame: Frame, told: Sequence[Event]) -> list[str]:
        """What findings cite of a frame, and all else that its payload said."""
        cited = [event for _, event in excerpt.evidence.get(frame.number, ())]
        shown = () if frame.network is None else _HEADERS_TELL
        rest = [event for event in told if event not in cited and not isinstance(event, shown)]
        found = super().comments(excerpt, frame, told)
        found += [f"{says(event)}  [{place(event.where)}]" for event in rest]
        return [*found, _NOTHING] if frame.network is None else found


def events_of(excerpt: Excerpt, numbers: Collection[int], analysis: Analysis) -> Mapping[int, list[Event]]:
    """What is told of these frames of an excerpt's file, in order, by their numbers."""
    found: dict[int, list[Event]] = defaultdict(list)
    source = excerpt.source
    for event in analysis.case.events.get(source.tap or source.name, ()):
        frame = event.where.frame
        if frame is not None and frame in numbers and event.where.source == source.name:
            found[frame].append(event)
    return found
