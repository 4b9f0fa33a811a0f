"""Rule: the server that DNS names for the sender disowns the key of the one that called."""

from analyzer.citations import xep
from analyzer.rule import Match, Owner, Rule, Severity
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A peer's key, disowned by a host other than the one that sent it."""
    if case.is_local(session.initiator) or not case.is_local(session.receiver):
        return None
    for key in session.dialbacks:
        step = key.step_into("DISOWNED")
        stream, callback = case.connection(key.asked_on), case.connection(key.verified_on)
        if step is None or key.request is None or stream is None or callback is None:
            continue
        asked = callback.server[0] if callback.way(step.event) == "<" else callback.client[0]
        caller = stream.client[0]
        if case.same_host(asked, caller):
            continue
        return Match(
            events=(step.event, key.request),
            because=f"{caller} says that it is {key.sender_domain}; {asked}, where DNS leads, disowns its key",
            connection=key.asked_on,
            domain=key.sender_domain,
            undecided=(("dialback-secret-mismatch", f"whether {caller} is one of the servers of {key.sender_domain}"),),
            severity=Severity.DEGRADED if session.authenticated else None,
        )
    return None


RULE = Rule(
    title="The caller is not who DNS names",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-invalid", "stream-not-authorized", "stream-closed-without-error"),
    rivals=("dialback-secret-mismatch", "hosting-domain-registered-at-google"),
    explanation=(
        "A server opened a stream in the name of a domain. The server that DNS names for this domain was asked\n"
        "about the key and disowned it. Two servers may share a domain, but then they share the secret as well.\n"
        "The peer's SRV record is out of date, its domain lives at two providers, or somebody is forging."
    ),
    remedy="Ask the peer which of the two servers is its own, and to mend its SRV record or its secrets.",
    sources=(xep(220, "1.3"), xep(220, "2.2.2")),
    predicate=predicate,
)
