"""The machine of one DNS question: asked, asked again, answered or not (RFC 1035, RFC 2782).

Knows nothing of what the answer is for. That a question ends in ASKED *is* the evidence of silence.
"""

from __future__ import annotations

from analyzer.machines.table import Machine
from parsers.events import DnsAnswer, DnsQuery

RCODE_SIGNALS = {0: "ok<", 2: "servfail<", 3: "nxdomain<", 5: "refused<"}
"""RFC 1035 section 4.1.1; NOTIMP and the rest count as refused."""


class DnsMachine(Machine):
    """Key: client, resolver, name and type."""

    NAME = "dns"
    TABLE = {
        "IDLE": {
            "query>": "ASKED",
            "ok<": "ANSWERED",
            "empty<": "EMPTY",
            "nxdomain<": "NO_SUCH_NAME",
            "servfail<": "FAILED",
            "refused<": "FAILED",
            "truncated<": "TRUNCATED",
        },
        "ASKED": {
            "query>": "ASKED",
            "ok<": "ANSWERED",
            "empty<": "EMPTY",
            "nxdomain<": "NO_SUCH_NAME",
            "servfail<": "FAILED",
            "refused<": "FAILED",
            "truncated<": "TRUNCATED",
        },
        "TRUNCATED": {
            "query>": "ASKED",
            "ok<": "ANSWERED",
            "empty<": "EMPTY",
        },
        "FAILED": {"query>": "ASKED", "servfail<": "FAILED", "refused<": "FAILED"},
    }


def signal(event: DnsQuery | DnsAnswer) -> str:
    """The event in the table's words."""
    if isinstance(event, DnsQuery):
        return "query>"
    if event.truncated and not event.answers:
        return "truncated<"
    if not event.records_told or (event.rcode < 0 and event.answers):
        return "ok<"
    word = RCODE_SIGNALS.get(event.rcode, "refused<")
    if word == "ok<" and not any(r.rrtype == event.rrtype and r.section == "answer" for r in event.answers):
        return "empty<"
    return word
