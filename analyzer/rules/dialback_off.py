"""Rule: one side does not do dialback."""

from analyzer.citations import note, rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """A key or a verify answered as something that the server does not know or forbids as such."""
    if session.authenticated:
        return None
    for key in session.dialbacks:
        refusal = key.verify_answer
        if refusal is not None and refusal.condition in ("policy-violation", "feature-not-implemented"):
            return Match(
                events=(refusal, *((key.verify,) if key.verify is not None else ())),
                because=f"{key.sender_domain} does not answer for its dialback keys: {refusal.condition}",
                connection=key.verified_on,
                domain=key.sender_domain,
                owner=owner_of(key.sender_domain, case),
            )
        stream = case.connection(key.asked_on)
        if key.request is None or key.answer is not None or stream is None or stream.error is None:
            continue
        error = stream.error
        features = stream.features
        hinted = features is not None and not features.dialback
        if error.condition == "unsupported-stanza-type" and stream.way(error) == "<" and hinted:
            return Match(
                events=(error, key.request),
                because=f"{key.target_domain} does not know dialback keys: {words_of(error)}",
                connection=key.asked_on,
                domain=key.target_domain,
                owner=owner_of(key.target_domain, case),
            )
    return None


RULE = Rule(
    title="Dialback is switched off",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.AUTH}),
    masks=("dialback-result-error", "stream-not-authorized", "stream-closed-without-error"),
    rivals=("stream-no-common-auth", "tls-required-by-peer-ignored"),
    said=(SaidSign(topic=Topic.AUTH_FAILED, conditions=("dialback-off",)),),
    explanation=(
        "A server answered dialback as something that it does not do: it relies on certificates alone.\n"
        "A peer whose certificate does not satisfy it is then left without any way."
    ),
    remedy="Switch on dialback there, or give the other side a certificate that is trusted.",
    sources=(xep(220, "2.5"), rfc(6120, "4.9.3.24"), note("Openfire, Dialback has been disabled by configuration")),
    predicate=predicate,
)
