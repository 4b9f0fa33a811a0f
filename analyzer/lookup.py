"""One DNS question and what came of it. Knows DNS words only; what the answer was used for it does not know."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.cached import cached_property
from analyzer.machines.table import Step
from parsers.events import DnsAnswer, DnsQuery, DnsRecord, Event


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One DNS question of one client and what came of it; its repetitions belong to it."""

    id: str
    """12 hex, the same in every run."""
    client: str
    """Address of who asked."""
    resolver: str
    """Address of who was asked; "the resolver" where a log or a transcript does not tell it."""
    name: str
    """Question name."""
    rrtype: str
    """Question type."""
    transport: str
    """"udp" or "tcp"."""
    steps: tuple[Step, ...]
    """What the dns machine saw, in order."""
    taps: tuple[str, ...]
    """Where it was seen."""
    unanswered_at: tuple[str, ...] = ()
    """Of these, the taps that saw the question and no answer, though another tap saw one."""

    @property
    def numbered(self) -> bool:
        """A source tells its message id: packets do, logs seldom."""
        return any(getattr(s.event, "txid", -1) >= 0 for s in self.steps)

    @property
    def captured(self) -> bool:
        """Packets of it were seen: only then is an answer that was not seen one that did not come."""
        return all(s.event.where.frame is not None for s in self.steps)

    @property
    def width_ns(self) -> int:
        """How uncertain its instants are, ns."""
        return max(s.event.width_ns for s in self.steps)

    @property
    def state(self) -> str:
        """Where the dns machine ended."""
        return self.steps[-1].after

    @cached_property
    def outcome(self) -> str:
        """In the words of the report contract; "untold" where no source of it tells answers."""
        answer = self.answer
        told = any(isinstance(e, DnsQuery) and e.answer_told for e in self.asked)
        return {
            "ASKED": "unanswered" if told else "untold",
            "ANSWERED": "answered",
            "EMPTY": "empty",
            "NO_SUCH_NAME": "nxdomain",
            "TRUNCATED": "answered",
            "FAILED": "servfail" if answer is None or answer.rcode == 2 else "refused",
        }[self.state]

    @cached_property
    def answer(self) -> DnsAnswer | None:
        """The last answer, where one was seen."""
        return next((s.event for s in reversed(self.steps) if isinstance(s.event, DnsAnswer)), None)

    @property
    def asked_ns(self) -> int:
        """Instant of the first event."""
        return self.steps[0].event.at_ns

    @property
    def answered_ns(self) -> int | None:
        """Instant of the last answer."""
        answer = self.answer
        return None if answer is None else answer.at_ns

    @property
    def asked(self) -> tuple[Event, ...]:
        """The queries seen."""
        return tuple(s.event for s in self.steps if s.signal == "query>")

    @property
    def records(self) -> tuple[DnsRecord, ...]:
        """Records of the last answer, additional addresses included."""
        answer = self.answer
        return () if answer is None else answer.answers

    @cached_property
    def srv(self) -> tuple[DnsRecord, ...]:
        """SRV records of the last answer, in the order in which RFC 2782 has them tried."""
        found = [r for r in self.records if r.rrtype == "SRV" and r.section == "answer"]
        return tuple(sorted(found, key=lambda r: (r.priority or 0, -(r.weight or 0), r.data)))

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of the answer section."""
        return tuple(r.data for r in self.records if r.rrtype in ("A", "AAAA") and r.section == "answer")

    @cached_property
    def service(self) -> str | None:
        """The service label of an SRV question: "_xmpp-server"; None for other questions."""
        head, _, rest = self.name.partition("._tcp.")
        return head if rest and self.rrtype == "SRV" else None

    @property
    def domain(self) -> str:
        """The domain that it is about: the name without `_service._tcp.`."""
        return self.name.partition("._tcp.")[2] or self.name
