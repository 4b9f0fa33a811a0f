"""Rule: a known key is asked about under the wrong stream id."""

from analyzer.citations import xep
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A verify whose key was sent for a stream of another id."""
    for key in session.dialbacks:
        verify = key.verify
        if verify is None or key.request is not None or verify.key_digest is None:
            continue
        for other in case.dialbacks:
            sent = other.request
            if (
                sent is None
                or sent.key_digest != verify.key_digest
                or other.stream_id in (None, verify.id)  # a log seldom tells the stream's id
                or (other.sender_domain, other.target_domain) != (key.sender_domain, key.target_domain)
            ):
                continue
            return Match(
                events=(verify, sent),
                because=(
                    f"{key.target_domain} asked about a key of {key.sender_domain} for stream {verify.id}; "
                    f"it had been sent on stream {other.stream_id}"
                ),
                connection=key.verified_on,
                domain=key.target_domain,
                owner=owner_of(key.target_domain, case),
                severity=Severity.DEGRADED if session.authenticated else None,
            )
    return None


RULE = Rule(
    title="The key is asked about under the wrong id",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("hosting-unexpected-callback", "dialback-result-invalid"),
    rivals=("hosting-unexpected-callback", "dialback-secret-mismatch"),
    explanation=(
        "A key is bound to the id of the stream that it was sent on. The question named another id, for which the\n"
        "key cannot be valid: the receiving server mixed up two streams, or kept a key across a restart."
    ),
    remedy="Update the server that asks. Both servers may be restarted to be rid of old keys.",
    sources=(xep(220, "2.1.2"), xep(185)),
    predicate=predicate,
)
