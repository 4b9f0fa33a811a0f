"""Rule: a second pair of domains on one stream is refused."""

from analyzer.citations import xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Dialback, Event

FULL = ("resource-constraint", "conflict", "invalid-from", "improper-addressing", "unsupported-stanza-type")
"""Conditions with which servers refuse a second pair: XEP-0220 section 2.5 has the first, jabberd2 and Openfire
close the stream with the others."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """Keys of two pairs on one connection, the later one answered by an error or the stream's end."""
    for connection in session.connections:
        keys = [d for d in connection.of(Dialback, ">") if d.word == "result" and d.verdict is None]
        if len({(k.from_domain, k.to_domain) for k in keys}) < 2:
            continue
        first = keys[0]
        later = next(k for k in keys if (k.from_domain, k.to_domain) != (first.from_domain, first.to_domain))
        refusal: Event | None = next(
            (
                d
                for d in connection.of(Dialback, "<")
                if d.word == "result"
                and (d.to_domain, d.from_domain) == (later.from_domain, later.to_domain)
                and d.condition in FULL
            ),
            None,
        )
        if refusal is None:
            refusal = next(
                (e for c, e in session.errors if c is connection and e.condition in FULL and e.at_ns >= later.at_ns),
                None,
            )
        if refusal is None:
            continue
        return Match(
            events=(refusal, later, first),
            because=(
                f"the stream {first.from_domain} > {first.to_domain} was asked to carry {later.from_domain} > "
                f"{later.to_domain} as well, and {connection.sender(refusal)} refused"
            ),
            connection=connection.id,
            domain=connection.sender(refusal),
        )
    return None


RULE = Rule(
    title="A second domain on the stream is refused",
    stage=Stage.AUTH,
    severity=Severity.DEGRADED,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-resource-constraint", "dialback-result-error"),
    rivals=("stream-resource-constraint", "dialback-partial-domains"),
    explanation=(
        "The initiating server wanted to use one stream for several pairs of domains (multiplexing),\n"
        "and the receiving server does not do that. The initiating server should open a new connection for the\n"
        "pair; if it does not, the second domain is cut off while the first works."
    ),
    remedy="Let the initiating server open a stream for each pair of domains, or update the receiving server.",
    sources=(xep(220, "2.6"), xep(220, "2.5")),
    predicate=predicate,
)
