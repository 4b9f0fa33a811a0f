"""Rule: the domain cannot be asked for in DNS."""

from analyzer.citations import note, rfc
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

LABEL_MAX = 63
"""Octets of a label (RFC 1035 section 2.3.4)."""
NAME_MAX = 253
"""Characters of a name: 255 octets with the length of its first label and the root (RFC 1035 section 2.3.4)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A stanza came back, nothing was asked or tried, and the name has no form that DNS admits."""
    if session.bounce is None or session.trigger is None or session.lookups or session.connections:
        return None
    why = _unfit(session.receiver)
    if why is None:
        return None
    return Match(
        events=(session.bounce, session.trigger),
        because=(
            f"the {session.trigger.name} for {session.receiver} came back with {session.bounce.condition}, and "
            f"nobody asked DNS: {why}"
        ),
        domain=session.receiver,
    )


def _unfit(name: str) -> str | None:
    """What keeps a name out of a DNS question; `parsers.names` has made A-labels wherever IDNA admits it."""
    if not name.isascii():
        return "the name cannot be converted to A-labels"
    if len(name) > NAME_MAX or any(len(label) > LABEL_MAX for label in name.split(".")):
        return "it is too long"
    return "it has an empty label" if ".." in name or name.startswith(".") else None


RULE = Rule(
    title="The domain cannot be asked for in DNS",
    stage=Stage.DNS,
    severity=Severity.FAILURE,
    owner=Owner.USER,
    masks=("stanza-bounced-not-found", "stanza-bounced-timeout", "stanza-no-attempt"),
    rivals=("stanza-no-attempt",),
    said=(SaidSign(topic=Topic.RESOLVE_FAILED, conditions=("not-idna",)),),
    explanation=(
        "A client wrote to an address whose domain has no form in DNS: IDNA cannot convert it, or a label is too "
        "long.\n"
        "The server gives the stanza back without asking anybody. Mostly the address was mistyped or pasted."
    ),
    remedy="Correct the address of the contact; with an international name, use its A-label (xn--…).",
    sources=(
        rfc(6120, "3.2.1"),
        rfc(5890, "2.3.2.1"),
        note("ejabberd: Remote domain is not an IDN hostname; Prosody: hostname failed IDNA"),
    ),
    predicate=predicate,
)
