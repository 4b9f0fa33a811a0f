"""Rule: the server does not try again yet."""

from analyzer.bounces import untried
from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The server gave a stanza back without an attempt, minutes after one that failed."""
    found = untried(session, case)
    if found is None or found.after is None:
        return None
    ago = (found.trigger.at_ns - found.after.ended_ns) // 10**9
    return Match(
        events=(found.bounce, found.trigger),
        because=(
            f"the server of {session.initiator} gave the {found.trigger.name} for {session.receiver} back at once "
            f"and tried nothing: its last attempt had failed {ago} s before"
        ),
        domain=session.initiator,
    )


RULE = Rule(
    title="The server does not try again yet",
    stage=Stage.TRAFFIC,
    severity=Severity.NOTE,
    owner=Owner.LOCAL,
    masks=("stanza-bounced-not-found", "stanza-bounced-timeout"),
    rivals=("stanza-no-attempt",),
    said=(SaidSign(topic=Topic.OTHER, conditions=("backoff",)),),
    explanation=(
        "After an attempt that failed some servers give stanzas back at once for a time, seconds at first and minutes "
        "after several failures.\n"
        "A test in that time tells nothing new: what failed before is the fault."
    ),
    remedy="Mend what failed before, wait five minutes or restart the server, and only then try again.",
    sources=(rfc(6120, "3.3"), note("ejabberd, s2s_max_retry_delay: 300 s; issues 1569, 1942, 3133")),
    predicate=predicate,
)
