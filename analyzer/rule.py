"""What a rule is, and what it may answer: `Match`, `Blind` or None.

Knows no rule and no report. A rule is one file in `rules/`; its name is the file's name with dashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

from analyzer.citations import Citation
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Event, StreamError, Topic


class Severity(IntEnum):
    """How bad a finding is."""

    NOTE = 0
    DEGRADED = 1
    FAILURE = 2


class Confidence(IntEnum):
    """How sure a finding is. *Proven* wants two independent kinds of evidence and all rivals ruled out."""

    POSSIBLE = 0
    LIKELY = 1
    PROVEN = 2


class Owner(StrEnum):
    """Who can mend it."""

    DNS = "dns"
    FIREWALL = "firewall"
    NETWORK = "network"
    LOCAL = "local"
    PEER = "peer"
    USER = "user"
    EVIDENCE = "evidence"


def words_of(error: StreamError) -> str:
    """A stream error as it is cited: its condition, and its text where it has one."""
    return f'{error.condition} ("{error.text}")' if error.text else error.condition


def owner_of(domain: str | None, case: CaseView) -> Owner:
    """Who can mend what is wrong at the server of a domain."""
    return Owner.LOCAL if case.is_local(domain) else Owner.PEER


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The rule's sign is there."""

    events: tuple[Event, ...]
    """The evidence, the deciding event first; at least one."""
    because: str
    """One sentence with the names and addresses of this incident."""
    confidence: Confidence = Confidence.LIKELY
    """`LIKELY` unless the rule has two independent kinds of evidence."""
    owner: Owner | None = None
    """Overrides the rule's owner where the incident tells who it is."""
    connection: str | None = None
    """Id of the connection that shows it."""
    domain: str | None = None
    """Whose zone, certificate or server is at fault, where there is one."""
    ruled_out: tuple[tuple[str, str], ...] = ()
    """(rival, why the evidence excludes it)."""
    undecided: tuple[tuple[str, str], ...] = ()
    """(rival, the one capture or log that would decide)."""
    remedy: str = ""
    """The remedy with the names of this incident; "" to print the rule's own."""
    severity: Severity | None = None
    """Overrides the rule's severity: the same sign after success is less than a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """The rule cannot be judged on this evidence."""

    because: str
    """What hides it: "the capture is ciphertext after frame 11"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidSign:
    """What a server's log says where the rule's failure has happened, in the vocabulary's words."""

    topic: Topic
    """What about."""
    conditions: tuple[str, ...]
    """Why, one of these."""
    text: str = ""
    """A regular expression that the peer's own words must hold; "" for any."""
    confidence: Confidence = Confidence.LIKELY
    """How sure the words alone are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallSign:
    """What a firewall's log says where the rule's failure has happened."""

    action: str
    """As `FirewallLog.action`."""
    ids: tuple[str, ...] = ()
    """Ids of messages; () for any."""
    reason: str = ""
    """A regular expression that the reason must hold; "" for any."""
    answered: bool | None = None
    """What packets of it must show, or the log of who sent them: an answer, no answer, or either (None)."""
    way: Literal["in", "out", ""] = ""
    """Which connections: those that others open to our side, those that our side opens, or both."""


Predicate = Callable[[Session, CaseView], "Match | Blind | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One failure, or one thing worth knowing, and how it is recognised."""

    title: str
    """The fault in a few words, as a person would say it."""
    stage: Stage
    """Where in an attempt it strikes."""
    severity: Severity
    """How bad it is when it matches."""
    owner: Owner
    """Who can mend it, as a rule."""
    explanation: str
    """What happened, then why it happens."""
    remedy: str
    """What the operator does, the likeliest first."""
    sources: tuple[Citation, ...]
    """Where this is written."""
    predicate: Predicate
    """The sign."""
    needs: frozenset[Stage] = frozenset()
    """Stages that must have been visible to judge at all."""
    masks: tuple[str, ...] = ()
    """Rules that this one explains, and so demotes to consequences."""
    rivals: tuple[str, ...] = ()
    """Rules that the same signs would fit."""
    said: tuple[SaidSign, ...] = ()
    """What a server's log says of it."""
    firewall: tuple[FirewallSign, ...] = ()
    """What a firewall's log says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that matched a session."""

    id: str
    """12 hex, the same in every run."""
    rule: str
    """The rule's name."""
    title: str
    """The rule's title."""
    severity: Severity
    """As matched."""
    confidence: Confidence
    """As matched."""
    owner: Owner
    """Who can mend it."""
    session: Session
    """The session that shows it."""
    match: Match
    """The evidence."""
    remedy: str
    """What to do, with the names of this incident where the rule knows them."""
    is_cause: bool
    """The earliest match that no other match masks."""


def logged_only(session: Session, case: CaseView) -> None:
    """On the wire this looks like its rivals: a log alone tells of it."""
