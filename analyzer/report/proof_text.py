"""The proof of a report in characters: inputs, findings, and the evidence that fell. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version

from analyzer.report.proof import Held, Piece, Proof
from analyzer.report.words import count, escape, place
from parsers.events import Where

FALLEN_SHOWN = 40
"""Pieces of evidence that get two lines each; the rest are counted."""
INPUTS_SHOWN = 200
"""Inputs that get a line; those that are not the same first."""


def lines(proof: Proof) -> Iterator[str]:
    """The whole page, the verdict last, where a terminal ends."""
    told = proof.told
    yield f"report       by fedtrace {escape(told.version, 40)}"
    if told.version != version("fedtrace"):
        yield f"             this is fedtrace {version('fedtrace')}: it may say the same in other words"
    every = Counter(piece.source for piece in told.pieces)
    fallen = Counter(piece.source for piece in proof.fallen)
    plain = [held for held in proof.inputs if held.state == "same" and not every[held.input.name]]
    ordered = sorted((h for h in proof.inputs if h not in plain), key=lambda held: held.state == "same")
    label = "inputs"
    for held in ordered[:INPUTS_SHOWN]:
        name = held.input.name
        yield f"{label:<13}{_input(held, every[name], fallen[name])}"
        label = ""
    if len(ordered) > INPUTS_SHOWN:
        yield f"{'':<13}and {count(len(ordered) - INPUTS_SHOWN, 'input')} more"
    if plain:
        yield f"{label:<13}✔ {count(len(plain), 'input')} of which nothing is evidence, the same"
    label = "findings"
    for finding in told.findings:
        mark, share = _share(finding.pieces, proof)
        yield f"{label:<13}{mark} {escape(finding.rule, 60)}  {escape(finding.id, 20)}  {share}"
        label = ""
    yield from _fallen(proof)
    standing = len(told.pieces) - len(proof.fallen)
    yield f"{'verdict':<13}{standing:,} of {count(len(told.pieces), 'piece')} of evidence stand"


def _input(held: Held, every: int, fallen: int) -> str:
    """One input: what became of it, and how much of its evidence stands."""
    mark = "✔" if held.state == "same" else "✘" if every else "·"
    because = f" ({escape(held.because)})" if held.because else ""
    share = f"  {every - fallen:,} of {every:,} stand" if every else "  no evidence"
    return f"{mark} {escape(held.input.name)}  {held.state}{because}{share}"


def _share(pieces: Iterable[Piece], proof: Proof) -> tuple[str, str]:
    """A sign, and how many of them stand."""
    own = set(pieces)
    standing = sum(1 for piece in own if piece not in proof.fallen)
    return "✔" if standing == len(own) else "✘", f"{standing} of {len(own)} stand"


def _fallen(proof: Proof) -> Iterator[str]:
    """What does not stand although its file is there: the place, what the report says of it, and what is there."""
    gone = {held.input.name for held in proof.inputs if held.state != "same"}
    fallen = [(piece, because) for piece, because in proof.fallen.items() if piece.source not in gone]
    label = "fallen"
    for piece, because in fallen[:FALLEN_SHOWN]:
        where = place(Where(source=piece.source, frame=piece.frame, line=piece.line))
        yield f"{label:<13}{where}  {escape(piece.says)}"
        yield f"{'':<13}  {escape(because)}"
        label = ""
    if len(fallen) > FALLEN_SHOWN:
        yield f"{'':<13}and {len(fallen) - FALLEN_SHOWN:,} more"
