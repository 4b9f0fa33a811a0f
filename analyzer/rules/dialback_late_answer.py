"""Rule: the result comes when the initiating server has given up."""

from analyzer.citations import cisco, note, xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Event, StreamEnd, StreamError, river_key


def predicate(session: Session, case: CaseView) -> Match | None:
    """A result behind the end of the stream that the initiating server had announced."""
    for key in session.dialbacks:
        connection = case.connection(key.asked_on)
        if key.request is None or key.answer is None or connection is None:
            continue
        ending = connection.ending
        said: list[Event] = [*connection.of(StreamEnd, ">"), *connection.of(StreamError, ">")]
        said += [ending] if ending is not None and connection.way(ending) == ">" else []
        farewell = min((e for e in said if e.at_ns >= key.request.at_ns), key=river_key, default=None)
        if farewell is None or farewell.at_ns >= key.answer.at_ns:
            continue
        waited = (farewell.at_ns - key.request.at_ns) / 10**9
        late = (key.answer.at_ns - farewell.at_ns) / 10**9
        return Match(
            events=(key.answer, farewell, key.request),
            because=(
                f"{key.sender_domain} gave up after {waited:.1f} s; the result of {key.target_domain} "
                f"({key.answer.verdict}) came {late:.1f} s later"
            ),
            connection=connection.id,
            domain=key.target_domain,
            undecided=(("network-loss-or-latency", f"the log of {key.target_domain}: what it waited for"),),
            severity=Severity.DEGRADED if connection.authenticated else None,
        )
    return None


RULE = Rule(
    title="The dialback result came too late",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-timeout", "stream-connection-timeout", "stream-closed-without-error"),
    rivals=("network-loss-or-latency", "dialback-result-timeout"),
    explanation=(
        "The initiating server waited for its timer (30 s at Cisco), closed the stream, and then the result came.\n"
        "The receiving server was slow to look up, to connect back or to get its answer:\n"
        "often it tried dead addresses or name servers first."
    ),
    remedy=(
        "Take unreachable addresses and name servers out of what the receiving server must try first,\n"
        "such as an AAAA record that leads nowhere. Raise the initiating server's timer."
    ),
    sources=(
        xep(220, "2.1.1"),
        cisco("213865", "Scheduling dialback timeout in 30 secs"),
        note("Prosody mod_dialback, was closed in the meantime"),
    ),
    predicate=predicate,
)
