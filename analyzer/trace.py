"""An incident in one line, for a notebook or a script: `Trace.read("case/")`.

Tables as DataFrames, made on first look; sessions and findings that show themselves. Prints nothing and never exits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape as html
from pathlib import Path
from typing import Any

import pandas as pd

from analyzer.analysis import Analysis, analysis
from analyzer.cached import cached_property
from analyzer.frames import frame
from analyzer.ladder import Ladder, ladder
from analyzer.report.tables import TABLES
from analyzer.report.terminal import WIDTH, Terminal, plain
from analyzer.rule import Finding
from analyzer.session import Session
from parsers.case import Case, read_case
from parsers.errors import FedtraceError
from parsers.events import Where
from parsers.source import FEDERATION_PORTS, How


class Shown:
    """What shows itself: as text in a terminal, in a notebook as the same text with its columns kept."""

    def text(self, width: int = WIDTH) -> str:
        """What a terminal of that width would show, without colour."""
        return plain(self._write, width)

    def _write(self, terminal: Terminal) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return f"<pre>{html(self.text())}</pre>"


class ShownFinding(Shown):
    """One finding with its evidence, rivals and remedy."""

    def __init__(self, finding: Finding) -> None:
        """`finding` is what there is to see."""
        self.finding = finding

    def _write(self, terminal: Terminal) -> None:
        terminal.found(self.finding)


class ShownSession(Shown):
    """One attempt, drawn as its ladder, with what was found about it."""

    def __init__(self, drawn: Ladder, findings: Sequence[Finding], case: Case) -> None:
        """`findings` are those of this attempt, `case` the inputs that show it."""
        self.ladder = drawn
        self._findings = tuple(findings)
        self._case = case

    @property
    def session(self) -> Session:
        """The attempt itself: connections, lookups, dialback keys, steps."""
        return self.ladder.session

    @property
    def id(self) -> str:
        """Its id."""
        return self.session.id

    @property
    def findings(self) -> tuple[ShownFinding, ...]:
        """What was found about it, the cause among them."""
        return tuple(ShownFinding(f) for f in self._findings)

    def packets(self) -> list[Any]:
        """The frames of its timeline, in order of time, as pyshark's packets: every field that Wireshark dissects.

        Raises TsharkMissing without tshark, and SourceUnreadable where a capture cannot be read again, as a pipe.
        """
        return packets(self._case, [rung.event.where for rung in self.ladder.rungs])

    def _write(self, terminal: Terminal) -> None:
        terminal.session(self.ladder, self._findings)


class Trace(Shown):
    """One incident: what was read, what came of it, and the same as DataFrames."""

    def __init__(self, found: Analysis) -> None:
        """`found` is the case, read and judged: `Trace.read` makes it."""
        self.analysis = found

    @classmethod
    def read(
        cls,
        *paths: str | Path,
        local_domains: Sequence[str] = (),
        ports: Sequence[int] = (),
        dns_names: Sequence[str] = (),
        format: str | None = None,
        zone: str | None = None,
        year: int | None = None,
        date: str | None = None,
        engine: str = "auto",
        keylog: str | Path | None = None,
        everything: bool = False,
    ) -> Trace:
        """Read captures, logs, transcripts, archives, folders or shell patterns as `fedtrace analyze` does.

        `local_domains` are those on our side; `ports` and `dns_names` are to be read beside what is found;
        `format` reads every input as that; `zone`, `year` and `date` ("2013-09-06") tell what logs leave out;
        `engine` is who dissects captures ("auto", "own", "tshark"), `keylog` a file of TLS secrets to decrypt with;
        `everything` gives every line of a log as an event. Raises FedtraceError when not one input can be used.
        """
        how = How(
            ports=(*FEDERATION_PORTS, *ports),
            dns_names=tuple(dns_names),
            format=format,
            zone=zone,
            year=year,
            date=date,
            engine=engine,
            keylog=None if keylog is None else Path(keylog),
            everything=everything,
        )
        return cls(analysis(read_case([str(path) for path in paths], how), local_domains, how.ports))

    @cached_property
    def events(self) -> pd.DataFrame:
        """Everything that was seen, in order of time."""
        return self._frame("events")

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """The attempts, each with how far it came and where the time went."""
        return self._frame("sessions")

    @cached_property
    def connections(self) -> pd.DataFrame:
        """The TCP conversations."""
        return self._frame("connections")

    @cached_property
    def lookups(self) -> pd.DataFrame:
        """The DNS questions."""
        return self._frame("lookups")

    @cached_property
    def certificates(self) -> pd.DataFrame:
        """The certificates, each with who showed it and how long it is valid."""
        return self._frame("certificates")

    @cached_property
    def findings(self) -> pd.DataFrame:
        """The rules that matched, then those that could not be judged."""
        return self._frame("findings")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """What can be said of each pair of domains in each direction."""
        return self._frame("verdicts")

    @cached_property
    def checklist(self) -> pd.DataFrame:
        """The steps of the administrators' guide, answered."""
        return self._frame("checklist")

    @cached_property
    def sources(self) -> pd.DataFrame:
        """The inputs."""
        return self._frame("sources")

    @cached_property
    def damage(self) -> pd.DataFrame:
        """What could not be read."""
        return self._frame("damage")

    def session(self, id: str) -> ShownSession:
        """The attempt whose id begins so. Raises FedtraceError where none does, or several do."""
        return self._shown(self.analysis.session(id))

    def finding(self, number: int) -> ShownFinding:
        """The finding of that number in `findings`. Raises FedtraceError where it is none, or only a blind rule."""
        known = self.analysis.judgement.findings
        if not 0 <= number < len(known):
            raise FedtraceError(f"finding {number}", "no rule matched under this number", f"there are {len(known)}")
        return ShownFinding(known[number])

    def packets(self, frames: pd.DataFrame) -> list[Any]:
        """The frames of rows of `events`, or of any table with the columns source and frame, as pyshark's packets.

        In the order of the rows, each frame once; rows without a frame, as lines of logs, are left out.
        Raises as `ShownSession.packets`.
        """
        told = frames[["source", "frame"]].dropna()
        places = zip(told.source.astype(str), told.frame.astype(int), strict=True)
        return packets(self.analysis.case, [Where(source=source, frame=frame) for source, frame in places])

    def __iter__(self) -> Iterator[ShownSession]:
        """Every attempt, in order of time."""
        return map(self._shown, self.analysis.view.sessions)

    def _shown(self, session: Session) -> ShownSession:
        findings = self.analysis.findings(session)
        return ShownSession(ladder(session, self.analysis.view, findings), findings, self.analysis.case)

    def _frame(self, name: str) -> pd.DataFrame:
        return frame(TABLES[name], self.analysis)

    def _write(self, terminal: Terminal) -> None:
        terminal.report(*self.analysis)


def packets(case: Case, places: Iterable[Where]) -> list[Any]:
    """The packets at these places, in their order, each once. Raises as `ShownSession.packets`."""
    # pyshark takes half a second to import, and most who open a trace never ask for a packet.
    from parsers.capture.tshark import packets as dissected

    wanted = [place for place in dict.fromkeys(places) if place.frame is not None]
    files = {source.name: source.file for source in case.sources}
    found = {
        (name, number): packet
        for name in dict.fromkeys(place.source for place in wanted)
        for number, packet in dissected(files[name], [p.frame for p in wanted if p.source == name and p.frame])
    }
    return [packet for place in wanted if (packet := found.get((place.source, place.frame or 0))) is not None]
