"""A source: one input, what is known of it and what the user told us of it. No reading happens here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FEDERATION_PORTS = (5269, 5270)
"""5269 is registered for xmpp-server (RFC 6120 section 14.7); 5270 is customary for direct TLS (XEP-0368)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What the user told us of an input. Nothing here is guessed."""

    ports: tuple[int, ...] = FEDERATION_PORTS
    """TCP ports to read as XMPP, beside those that content and SRV answers show."""
    dns_names: tuple[str, ...] = ()
    """Further DNS names to read, as shell patterns; `*` reads every DNS message."""
    offset_ns: int = 0
    """Added to every instant of the source."""
    format: str | None = None
    """The format to read it as, instead of sniffing."""
    zone: str | None = None
    """Zone of clocks that do not say theirs: an IANA name, "UTC" or "+02:00". None: nobody told, UTC is assumed."""
    year: int | None = None
    """Year of clocks that do not say theirs."""
    date: str | None = None
    """Day of the first line of clocks that tell the time of day only, "2013-09-06"."""
    vantage: str | None = None
    """The domain whose server wrote it, or the place that it was taken at, in the user's words."""
    near_ns: int | None = None
    """An instant near which the input was written, as its neighbours show: for clocks without year or date."""
    near_why: str = ""
    """From where that instant is known, as a clause: "from the capture beside it"."""
    engine: str = "auto"
    """Who dissects captures: "own", "tshark", or "auto", which asks tshark for what our reader does not know."""
    keylog: Path | None = None
    """TLS secrets that one of the ends wrote down (draft-ietf-tls-keylogfile)."""
    lines: tuple[int, int] | None = None
    """First and last line of a log that are read, where an earlier reading has shown that no other is asked for."""
    everything: bool = False
    """Give every line of a log as an event. Without it, lines that tell nothing of federation are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input and what is known of it."""

    name: str
    """How reports call it: the shortest path that is unique in the case."""
    path: Path
    """Where it is, as the user would say it: `-` for standard input, and of a member of an archive its path in it."""
    format: str | None
    """Name of its format; None when it could not be read."""
    held: Path | None = None
    """Where its bytes are, if not there: a member of an archive is unpacked, a file elsewhere fetched."""
    vantage: str | None = None
    """The domain whose server wrote it, or a place the user named."""
    tap: str = ""
    """The place it was recorded at: the files of one ring buffer share it. "" means its own name."""
    assumed: tuple[str, ...] = ()
    """What was assumed to read it, one sentence each."""

    @property
    def file(self) -> Path:
        """Where to read it."""
        return self.held or self.path


@dataclass(slots=True, kw_only=True)
class Reading:
    """What reading a source has come to so far; the reader counts here, the report prints it."""

    frames: int | None = None
    """Frames (packet records) read, in a capture."""
    lines: int | None = None
    """Lines read, in a log."""
    other: int = 0
    """Of these, lines of its own format that tell nothing of federation, as far as is known."""
    first_ns: int | None = None
    """Earliest instant of the whole input, not only of its events."""
    last_ns: int | None = None
    """Latest instant of the whole input."""
    resolution_ns: int = 1_000
    """The finest step of its clock."""
    size_bytes: int = 0
    """Bytes of the input as it lies on disk."""
    sha256: str | None = None
    """Fingerprint of these bytes, hex."""
    assumed: list[str] = field(default_factory=list)
    """What was assumed to read it, one sentence each."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Frames that the reader does not decode, counted by the reason: "link type 105", "GRE", …"""
