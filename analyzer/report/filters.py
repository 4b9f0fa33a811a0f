"""Wireshark's display filters: what to type to see a session, or what a finding cites, in one capture.

Conversations by their ends, lookups by name, the rest by frame number: readable first, and never less than all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.excerpt import Excerpt, Question
from parsers.capture.excerpt import LAST, End, Stretch

_PLAIN_NAME = re.compile(r"[a-z0-9._-]+")
"""A name that needs no quoting in a filter; others are told by frame number."""


def session_filter(excerpt: Excerpt) -> str:
    """The filter for everything that a capture shows of a session."""
    terms = [_conversation(stretch) for stretch in excerpt.stretches]
    numbers = set(excerpt.frames)
    for question in excerpt.questions.values():
        if _PLAIN_NAME.fullmatch(question.name):
            terms.append(_lookup(question))
        else:
            numbers |= question.frames
    asked = {frame for question in excerpt.questions.values() for frame in question.frames}
    for number, cited in excerpt.evidence.items():
        flows = [event.flow for _, event in cited if event.flow is not None]
        ends = [{(f.src_ip, f.src_port), (f.dst_ip, f.dst_port)} for f in flows]
        held = any(s.first <= number <= s.last and {s.one, s.other} in ends for s in excerpt.stretches)
        if number not in asked and not held:
            numbers.add(number)
    return " || ".join(terms + ([frames_filter(numbers)] if numbers else []))


def frames_filter(numbers: Iterable[int]) -> str:
    """The filter for frames of these numbers."""
    ordered = sorted(set(numbers))
    if len(ordered) == 1:
        return f"frame.number == {ordered[0]}"
    return f"frame.number in {{{', '.join(map(str, ordered))}}}"


def _conversation(stretch: Stretch) -> str:
    """Both ends, and from where to where in the file, where others have the same ends."""
    terms = [f"{_family(end)}.addr == {end[0]} && tcp.port == {end[1]}" for end in (stretch.one, stretch.other)]
    if stretch.first > 1:
        terms.append(f"frame.number >= {stretch.first}")
    if stretch.last < LAST:
        terms.append(f"frame.number <= {stretch.last}")
    return f"({' && '.join(terms)})"


def _lookup(question: Question) -> str:
    """The name, however its letters are written; the message ids too, where others ask for it."""
    name = f'lower(dns.qry.name) == "{question.name}"'
    if question.alone:
        return name
    ids = sorted(question.ids)
    told = f"dns.id == {ids[0]:#06x}" if len(ids) == 1 else f"dns.id in {{{', '.join(f'{i:#06x}' for i in ids)}}}"
    return f"({name} && {told})"


def _family(end: End) -> str:
    return "ipv6" if ":" in end[0] else "ip"
