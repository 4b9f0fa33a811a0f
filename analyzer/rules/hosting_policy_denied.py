"""Rule: the receiving server's list of domains keeps the sender out."""

from analyzer.citations import cisco, note, xep
from analyzer.rule import Confidence, Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic

CONDITIONS = frozenset({"policy-violation", "not-authorized", "undefined-condition"})
"""Stream errors under which servers word such a refusal."""
DENIALS = (
    "access denied",  # ejabberd s2s_access: "Access denied by service policy"
    "denied by",
    "not accessible",  # Openfire: "not accessible according to our configuration"
    "blacklist",
    "blocklist",
    "whitelist",
    "allow list",
    "allowlist",
    "not allowed to",
)
"""Words of such refusals, in lower case. The first is ejabberd's, seen on the wire; the third stands in Openfire's log;
the others are what lists of domains are commonly called, not read in a server's source."""
DIALBACK = frozenset({"forbidden", "not-allowed", "policy-violation"})
"""Conditions of a refused `<db:result/>` (XEP-0220 section 2.5). `policy-violation` may ask for TLS instead."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A refusal in the words of a domain list; or a key refused as forbidden before anybody was asked about it."""
    for connection, error in session.errors:
        text = error.text.lower()
        if error.condition in CONDITIONS and text and any(d in text for d in DENIALS):
            speaker = connection.sender(error)
            return Match(
                events=(error,),
                because=f"{speaker} turned {session.initiator} away: {words_of(error)}",
                connection=connection.id,
                domain=speaker,
                owner=owner_of(speaker, case),
                severity=Severity.DEGRADED if session.survived(connection) else None,
                remedy=f"ask {speaker} to add {session.initiator} to the domains that it federates with",
            )
    bounce = session.bounce
    if bounce is not None and bounce.condition == "forbidden" and not session.connections and not session.lookups:
        return Match(
            events=(bounce,) if session.trigger is None else (bounce, session.trigger),
            because=(
                f"the server of {session.initiator} gave a stanza for {session.receiver} back as forbidden and tried "
                "nothing: its own policy keeps that domain out"
            ),
            domain=session.initiator,
            owner=owner_of(session.initiator, case),
            remedy=f"allow {session.receiver} in the federation policy of {session.initiator}",
        )
    for key in session.dialbacks:
        answer = key.answer
        if answer is None or answer.verdict != "error" or answer.condition not in DIALBACK or key.request is None:
            continue
        carrier = case.connection(key.asked_on)
        if key.verify is not None or carrier is None:
            continue
        if answer.condition == "policy-violation" and carrier.ciphertext is None:
            continue  # the stream is plain: TLS may be what the policy asks for
        called = bool(session.callbacks or session.callback_lookups)
        return Match(
            events=(answer, key.request),
            because=(
                f"{session.receiver} refused the key of {session.initiator} with {answer.condition}"
                + ("" if called else ", and no callback was seen to verify it first")
            ),
            connection=carrier.id,
            domain=session.receiver,
            owner=owner_of(session.receiver, case),
            confidence=Confidence.POSSIBLE if called else Confidence.LIKELY,
            severity=Severity.DEGRADED if session.authenticated else None,
            undecided=(
                (
                    "dialback-result-invalid",
                    f"a capture at every server of {session.initiator}: whether one was asked and disowned the key",
                ),
            ),
            remedy=f"ask {session.receiver} to add {session.initiator} to the domains that it federates with",
        )
    return None


RULE = Rule(
    title="The peer's policy keeps the domain out",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.PEER,
    needs=frozenset({Stage.CONNECT}),
    masks=(
        "stream-policy-violation",
        "stream-not-authorized",
        "stream-undefined-condition",
        "dialback-result-error",
        "stream-closed-without-error",
    ),
    rivals=("hosting-target-not-provisioned", "stream-policy-violation", "dialback-result-invalid"),
    said=(
        SaidSign(
            topic=Topic.REFUSED,
            conditions=(
                "forbidden",
                "policy-violation",
            ),
        ),
    ),
    explanation=(
        "The server is reached and knows whom it is asked for, but its list of allowed or denied domains keeps "
        "the sender out.\n"
        "An Expressway whose federation policy is first switched on allows only what is on its allow list."
    ),
    remedy=(
        "Have the peer add the domain to its allow list, or take it off its deny list.\n"
        "Where the refusal is ours: the XMPP federation policy of our own server."
    ),
    sources=(
        xep(220, "2.5"),
        cisco("Expressway IM&P/XMPP federation guide", "Allow list"),
        note("ejabberd: Access denied by service policy"),
        note("Openfire: not accessible according to our configuration"),
    ),
    predicate=predicate,
)
