"""Where the time of an attempt went: the question of DNS, the SYNs, TLS, authentication, the callback.

A wait lasts from the first event of its kind to the one that ended it, or to the last that was seen of it.
Knows what was seen and when; how long is too long belongs to the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.lookup import Lookup
from analyzer.session import Session
from parsers.events import Dialback, Event, Said, Sasl, StartTls, TcpMark, TlsAlert, TlsCertificate, TlsData, TlsHello

_TLS = (StartTls, TlsHello, TlsCertificate, TlsAlert, TlsData)


class Waits(NamedTuple):
    """How long an attempt was at each thing, ns; None where nothing of it was seen."""

    dns_ns: int | None
    """How long a question was open: asked, and not yet answered nor asked for the last time."""
    connect_ns: int | None
    """From the first SYN to the first SYN-ACK; without one to the last sign of an attempt to connect."""
    tls_ns: int | None
    """From STARTTLS, or the ClientHello, to the last record of the handshake."""
    auth_ns: int | None
    """From the first dialback key or SASL word to the answer, or to the end of the attempt where none came."""
    callback_ns: int | None
    """From the first question or SYN of the callback to the last that was seen of it before the answer to the key."""


def waits(session: Session) -> Waits:
    """The waits of an attempt."""
    return Waits(
        dns_ns=_open(session.lookups),
        connect_ns=_connect(session),
        tls_ns=_span(e for c in session.connections for e in c.events if isinstance(e, _TLS)),
        auth_ns=_auth(session),
        callback_ns=_callback(session),
    )


def _span(events: Iterable[Event]) -> int | None:
    instants = [e.at_ns for e in events]
    return max(instants) - min(instants) if instants else None


def _open(lookups: Sequence[Lookup]) -> int | None:
    """How long at least one of the questions was open; two at once wait together."""
    if not lookups:
        return None
    total = until = 0
    for began, ended in sorted((k.asked_ns, max(s.event.at_ns for s in k.steps)) for k in lookups):
        total += max(ended - max(began, until), 0)
        until = max(until, ended)
    return total


def _connect(session: Session) -> int | None:
    tries = [s.event for c in session.connections for s in c.primary.flow]
    syns = [e.at_ns for e in tries if isinstance(e, TcpMark) and e.mark == "syn"]
    if not syns:
        return None
    accepted = [e.at_ns for e in tries if isinstance(e, TcpMark) and e.mark == "syn-ack"]
    return max((min(accepted) if accepted else max(e.at_ns for e in tries)) - min(syns), 0)


def _auth(session: Session) -> int | None:
    words = [e for c in session.connections for e in c.events if isinstance(e, Sasl | Dialback)]
    words += [d.request for d in session.dialbacks if d.request is not None]
    if not words:
        return None
    began = min(e.at_ns for e in words)
    answers = [d.answer.at_ns for d in session.dialbacks if d.answer is not None]
    answers += [e.at_ns for e in words if isinstance(e, Sasl) and e.word in ("success", "failure")]
    return max((min(answers) if answers else session.ended_ns) - began, 0)


def _callback(session: Session) -> int | None:
    events = [s.event for k in session.callback_lookups for s in k.steps]
    own = {c.id for c in session.connections}
    events += [e for c in session.callbacks if c.id not in own for e in c.events if not isinstance(e, Said)]
    events += [e for d in session.dialbacks for e in (d.verify, d.verify_answer) if e is not None]
    asked = min((d.request.at_ns for d in session.dialbacks if d.request is not None), default=0)
    answered = min((d.answer.at_ns for d in session.dialbacks if d.answer is not None), default=None)
    # A lookup from before the key was asked for something else, and one after the answer verified nothing.
    return _span(e for e in events if asked <= e.at_ns and (answered is None or e.at_ns <= answered))
