"""Rule: two resolvers answer the same question differently, and the attempt got the worse answer."""

from analyzer.addresses import is_private
from analyzer.citations import cisco, rfc
from analyzer.lookup import Lookup
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

NEGATIVE = ("nxdomain", "empty")
"""Outcomes that deny a record. A failure to answer is no other view."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """What the asker was denied, or given with an inside address, another resolver answers well."""
    for found in session.resolutions:
        if not found.failed:
            continue
        for lookup in found.lookups:
            if lookup.answer is None:
                continue
            for other in _told(case, lookup.name, lookup.rrtype):
                if other.answer is None or other.resolver == lookup.resolver or not _better(other, lookup):
                    continue
                return Match(
                    events=(lookup.answer, other.answer),
                    because=(
                        f"{lookup.resolver} told {found.asker} {_said(lookup)} for {lookup.name} {lookup.rrtype}, "
                        f"and {other.resolver} told {other.client} {_said(other)}"
                    ),
                    domain=found.domain,
                    undecided=(
                        (
                            "dns-stale-or-negative-cache",
                            f"the same question to {lookup.resolver} again, after the time to live",
                        ),
                    ),
                    remedy=f"let {lookup.resolver} answer {lookup.name} as {other.resolver} does",
                )
    return None


@once
def _told(case: CaseView, name: str, rrtype: str) -> tuple[Lookup, ...]:
    """What each resolver told, each time that it differs the first."""
    told: dict[tuple[object, ...], Lookup] = {}
    for lookup in case.asking(name):
        if lookup.rrtype == rrtype and lookup.answer is not None and lookup.outcome == "answered":
            told.setdefault((lookup.resolver, bool(lookup.srv), frozenset(lookup.addresses)), lookup)
    return tuple(told.values())


def _better(other: Lookup, lookup: Lookup) -> bool:
    """Whether another answer would have led somewhere where this one did not."""
    if lookup.outcome in NEGATIVE:
        return bool(other.srv or other.addresses)
    ours, theirs = lookup.addresses, other.addresses
    # Public names have many addresses, and each resolver may get others; only an inside one is another view.
    return (
        bool(ours and theirs)
        and all(map(is_private, ours))
        and not any(map(is_private, theirs))
        and not is_private(lookup.client)
    )


def _said(lookup: Lookup) -> str:
    """The answer in a few words."""
    if lookup.outcome in NEGATIVE:
        return "that it does not exist" if lookup.outcome == "nxdomain" else "that there is none"
    return ", ".join([f"{r.data}:{r.port}" for r in lookup.srv] or lookup.addresses)


RULE = Rule(
    title="Two resolvers see two zones",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.DNS,
    needs=frozenset({Stage.DNS}),
    masks=("dns-srv-nxdomain", "dns-srv-nodata", "dns-srv-target-no-address", "dns-srv-fallback-a"),
    rivals=("dns-stale-or-negative-cache",),
    explanation=(
        "The same question has different answers at two resolvers, and the server that failed got the one that "
        "leads nowhere.\n"
        "Mostly an inside DNS server holds a zone of the same name, in which the federation records were never "
        "entered;\n"
        "two views are normal, but both must name what each side needs."
    ),
    remedy=(
        "Enter the `_xmpp-server._tcp` record and its host's address in the inside zone as well,\n"
        "or let the federation server ask a resolver that sees the public zone."
    ),
    sources=(
        cisco("Interdomain Federation Guide 12.5(1)SU3"),
        rfc(8499, "6"),
    ),
    predicate=predicate,
)
