"""Rule: a known key is asked about under the wrong stream id."""

from collections.abc import Mapping, Sequence

from analyzer.citations import xep
from analyzer.once import once
from analyzer.rule import Match, Owner, Rule, Severity, owner_of
from analyzer.session import DialbackKey, Session
from analyzer.stage import Stage
from analyzer.view import CaseView


def predicate(session: Session, case: CaseView) -> Match | None:
    """A verify whose key was sent for a stream of another id."""
    for key in session.dialbacks:
        verify = key.verify
        if verify is None or key.request is not None or verify.key_digest is None:
            continue
        for other in _sent(case).get((key.sender_domain, key.target_domain, verify.key_digest), ()):
            sent = other.request
            if sent is None or other.stream_id in (None, verify.id):  # a log seldom tells the stream's id
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


@once
def _sent(case: CaseView) -> Mapping[tuple[str, str, str | None], Sequence[DialbackKey]]:
    """The keys that were sent, by whose they are, to whom they went, and their digest."""
    found: dict[tuple[str, str, str | None], list[DialbackKey]] = {}
    for key in case.dialbacks:
        if key.request is not None:
            found.setdefault((key.sender_domain, key.target_domain, key.request.key_digest), []).append(key)
    return found


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
