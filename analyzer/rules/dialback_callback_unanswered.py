"""Rule: the verify arrives and the authoritative server does not answer."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView

PATIENCE_NS = 10 * 10**9
"""A verify is a comparison of two hashes: an answer that takes 10 s does not come."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """`<db:verify>` of a key that was seen to be sent, and no answer until the end or for long."""
    if session.authenticated:
        return None
    for key in session.dialbacks:
        callback = case.connection(key.verified_on)
        if key.request is None or key.verify is None or key.verify_answer is not None or callback is None:
            continue
        if callback.ciphertext is not None:
            continue
        end = callback.ending
        until = key.verify.at_ns + PATIENCE_NS if end is None else end.at_ns
        server_left = end is not None and callback.way(end) != callback.way(key.verify)
        if not server_left and until - key.verify.at_ns < PATIENCE_NS:
            continue
        if not case.watched(callback, until):
            continue
        waited = (until - key.verify.at_ns) // 10**9
        return Match(
            events=(key.verify,) if end is None else (key.verify, end),
            because=(
                f"{key.target_domain} asked {key.sender_domain} about the key for stream {key.stream_id} "
                + ("and was hung up on" if server_left else f"and got no answer for {waited} s")
            ),
            connection=callback.id,
            domain=key.sender_domain,
            owner=owner_of(key.sender_domain, case),
            undecided=(("network-loss-or-latency", f"the log of {key.sender_domain}: did the question arrive?"),),
        )
    return None


RULE = Rule(
    title="The question about the key is not answered",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-timeout", "dialback-result-error", "stream-connection-timeout", "stream-not-authorized"),
    rivals=("network-loss-or-latency", "dialback-off"),
    explanation=(
        "The receiving server called back and asked whether the key is good, as it should, and the sender's\n"
        "own server did not answer. Dialback is off there, the service hangs, or the answer took another stream."
    ),
    remedy="Look at the service of the domain that was asked, and that dialback is switched on there; restart it.",
    sources=(xep(220, "2.2.2"), note("jabberd2 s2s, dialback verify request timed out"), note("xmpp.js issue 365")),
    predicate=predicate,
)
