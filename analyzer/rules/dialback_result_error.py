"""Rule: the receiving server answers the key with an error. General."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

SENDER_UNREACHABLE = ("remote-connection-failed", "remote-server-not-found", "remote-server-timeout")
"""Conditions that say: the server that DNS names for the sender could not be reached (XEP-0220 section 2.5)."""
MEANINGS = {
    "item-not-found": "the target domain is not served there",
    "remote-connection-failed": "the sender's server could not be connected to",
    "remote-server-not-found": "the sender's server could not be found",
    "remote-server-timeout": "the sender's server did not answer in time",
    "policy-violation": "its policy forbids, TLS being the usual reason",
    "not-authorized": "the sender's certificate does not satisfy",
    "forbidden": "the sender is not let in, or the key was called invalid",
    "resource-constraint": "it takes no more domains on this connection",
}
"""What the conditions stand for (XEP-0220 section 2.5)."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<db:result type='error'>`."""
    for key in session.dialbacks:
        step = key.step_into("ERRORED")
        if step is None or key.answer is None:
            continue
        condition = key.answer.condition or "no condition"
        unreachable = condition in SENDER_UNREACHABLE
        domain = key.sender_domain if unreachable else key.target_domain
        meaning = MEANINGS.get(condition)
        return Match(
            events=(key.answer,) if key.request is None else (key.answer, key.request),
            because=(
                f"{key.target_domain} answered the dialback key of {key.sender_domain} with the error {condition}"
                + (f": {meaning}" if meaning else "")
            ),
            connection=key.asked_on,
            domain=domain,
            owner=owner_of(domain, case),
            undecided=(
                ("network-callback-blocked", f"a capture outside the firewall of {key.sender_domain}"),
                ("dns-srv-nxdomain", f"the SRV record of {key.sender_domain}, asked for from outside"),
            )
            if unreachable
            else (("hosting-policy-denied", f"the log and the federation policy of {key.target_domain}"),),
            severity=Severity.DEGRADED if session.authenticated else None,
        )
    return None


RULE = Rule(
    title="The dialback key was answered with an error",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("stream-not-authorized", "stream-closed-without-error", "stream-remote-connection-failed"),
    rivals=("network-callback-blocked", "hosting-policy-denied", "hosting-target-not-provisioned"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-error",)),),
    explanation=(
        "The receiving server could not, or would not, check the key, and said so with an error.\n"
        "The conditions about a remote server mean that it could not reach the server which DNS names for the\n"
        "sender's domain; the others are decisions of its own."
    ),
    remedy=(
        "A remote server not found or not answering: make the sender's server reachable from outside, SRV record,\n"
        "address, translation and inbound TCP 5269. Else: let the receiving server allow the domain."
    ),
    sources=(xep(220, "2.5"), note("ejabberd mod_s2s_dialback, Peer responded with error")),
    predicate=predicate,
)
