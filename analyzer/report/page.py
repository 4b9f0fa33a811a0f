"""The report as a web page: one file that needs neither network nor script, to be forwarded, printed and kept.

What is drawn in full is bounded, since a browser must bear it. Decides nothing and knows no rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from analyzer.analysis import Analysis
from analyzer.citations import Citation
from analyzer.excerpt import cited
from analyzer.judge import Judgement, all_rules
from analyzer.ladder import Ladder, Rung, ladder
from analyzer.peers import Peer, clash, peers
from analyzer.report import bars
from analyzer.report.filters import frames_filter
from analyzer.report.ladder_svg import Sheet, kept, sheets
from analyzer.report.ladder_text import lane_says, rung_clock, rung_says
from analyzer.report.nameless import no_pair_says
from analyzer.report.rows import by_session, source_rows
from analyzer.report.terminal import owner
from analyzer.report.web import filled
from analyzer.rule import Finding
from analyzer.stage import end_text
from analyzer.verdict import Verdict
from analyzer.view import CaseView
from parsers.case import Case
from parsers.events import Event

PAIRS_IN_FULL = 24
"""Pairs of domains told in full, with a ladder each: some 20,000 elements, which a telephone bears."""
ROWS_MAX = 2000
"""Rows of one table, of pairs, attempts or inputs. Beyond, people search in the JSON report."""
EVIDENCE_SHOWN = 50
"""Pieces of evidence of one finding."""
ROWS_OPEN = 30
"""Rows of pairs or attempts that are shown without being asked; a longer table is folded, and is printed only if it
was opened."""
REASONS_SHOWN = 5
"""Reasons why rules could not be judged, the commonest first."""
LOOSE_SHOWN = 50
"""Conversations that belong to no pair."""
DAMAGE_SHOWN = 200
"""Pieces of damage: of each kind the first is enough to go and look."""
CERTIFICATES_SHOWN = 60
"""Certificates with a bar each."""
PEERS_SHOWN = 60
"""Domains of which the server is told."""
FRAMES_MAX = 200
"""Frame numbers in one display filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A verdict as the page tells it in full."""

    number: int
    """Counted from 1; its anchor is `pair-NUMBER`."""
    verdict: Verdict
    """The verdict."""
    same_as: int | None
    """Number of an earlier pair with the same cause by the same evidence."""
    ladder: Ladder
    """The attempt that it is about."""
    sheets: tuple[Sheet, ...]
    """That ladder, drawn."""
    rungs: tuple[Rung, ...]
    """What of it is drawn."""
    filters: tuple[tuple[str, str, str], ...]
    """Capture, what is shown, and the display filter that shows it."""
    sources: tuple[Citation, ...]
    """Where its cause is written about."""
    explanation: str
    """What its cause means; "" without one."""


def page(analysis: Analysis, of: str = "", part_of: str = "", back: str = "") -> str:
    """The whole report of one case, the same bytes for the same case.

    `of` is what the case is called among others, `part_of` the case that it was cut from, and `back` the page over all
    of these, as a link from this one.
    """
    case, view, judgement, items = analysis
    told = tuple(p for p in peers(view) if p.product or p.perhaps or p.policy.starttls or p.policy.version is not None)
    covered = bars.covered(case, view)
    bounds = {name: value for name, value in globals().items() if name.isupper()}
    return filled(
        "page.html",
        "page.css",
        of=of,
        part_of=part_of,
        back=back,
        case=case,
        view=view,
        judgement=judgement,
        items=items,
        pairs=_pairs(case, view, judgement),
        states=Counter(v.state for v in judgement.verdicts),
        causes=_causes(judgement),
        loose=view.loose,
        peers=told,
        clashes={p.domain: _clashes(p, told) for p in told},
        covered=covered,
        axis=bars.axis(covered),
        certificates=tuple(islice(bars.certificates(view), CERTIFICATES_SHOWN + 1)),
        inputs=source_rows(case.sources[:ROWS_MAX], case, view),
        undecoded=_undecoded(case),
        no_pair=no_pair_says(view) if not judgement.verdicts else "",
        LENGTH=bars.LENGTH,
        end_text=end_text,
        owner=owner,
        lane_says=lane_says,
        rung_clock=rung_clock,
        rung_says=rung_says,
        **bounds,
    )


def _pairs(case: Case, view: CaseView, judgement: Judgement) -> list[Pair]:
    """The pairs that are told in full."""
    findings = by_session(judgement)
    rules = all_rules()
    first: dict[tuple[str, tuple[Event, ...]], int] = {}
    found = []
    for number, verdict in enumerate(judgement.verdicts[:PAIRS_IN_FULL], start=1):
        cause, about = verdict.cause, verdict.about
        told = first.setdefault((cause.rule, cause.match.events), number) if cause is not None else number
        drawn = ladder(about, view, findings.get(about.id, ()))
        rule = rules.get(cause.rule) if cause is not None else None
        found.append(
            Pair(
                number=number,
                verdict=verdict,
                same_as=None if told == number else told,
                ladder=drawn,
                sheets=tuple(sheets(drawn)),
                rungs=kept(drawn),
                filters=() if cause is None else tuple(_filters(cause, view, case)),
                sources=() if rule is None else rule.sources,
                explanation="" if rule is None else " ".join(rule.explanation.split()),
            )
        )
    return found


def _filters(finding: Finding, view: CaseView, case: Case) -> list[tuple[str, str, str]]:
    """Wireshark's display filters, for each capture the frames of evidence and the conversation that shows it."""
    found = [
        (source, "the evidence", frames_filter(frames[:FRAMES_MAX])) for source, frames in cited(finding, case).items()
    ]
    connection = view.connection(finding.match.connection)
    for sighting in () if connection is None or not connection.captured else connection.sightings:
        ends = [
            f"{'ipv6' if ':' in address else 'ip'}.addr == {address} && tcp.port == {port}"
            for address, port in (sighting.client, sighting.server)
        ]
        found.append((sighting.source, "its conversation", " && ".join(ends)))
    return sorted(found, key=lambda told: told[0])


def _causes(judgement: Judgement) -> dict[str, str]:
    """By session id, the rule that explains it."""
    return {f.session.id: f.rule for f in judgement.findings if f.is_cause}


def _clashes(peer: Peer, told: Sequence[Peer]) -> list[str]:
    """Where our policy does not go with a peer's, and what a peer of that product meets."""
    clashes = [] if peer.local else [c for ours in told if ours.local for c in clash(ours.policy, peer.policy)]
    expect = peer.product.expect if peer.product is not None and not peer.local else ()
    return list(dict.fromkeys((*clashes, *expect)))


def _undecoded(case: Case) -> list[tuple[str, int]]:
    """Frames that the reader does not decode, by the reason."""
    found: Counter[str] = Counter()
    for reading in case.readings.values():
        found.update(reading.unknown)
    return sorted(found.items())
