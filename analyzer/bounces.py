"""Stanzas that came back with an error: to the client from its own server, or over a stream between servers.

The condition says that an attempt failed, seldom why (RFC 6120 section 8.3). Knows no rule.
"""

from __future__ import annotations

from analyzer.rule import Match, Owner
from analyzer.session import Session
from analyzer.view import CaseView


def bounced(condition: str, session: Session, case: CaseView) -> Match | None:
    """The client got the error back from its own server, or the error came over a server's stream."""
    bounce = session.bounce
    if bounce is not None and bounce.condition == condition:
        return Match(
            events=(bounce, *((session.trigger,) if session.trigger is not None else ())),
            because=(
                f"the server of {session.initiator} gave the {bounce.name} for {session.receiver} back to the client: "
                f"{condition}"
            ),
            owner=Owner.LOCAL if case.is_local(session.initiator) else Owner.PEER,
        )
    found = session.stanza_error(condition)
    if found is None:
        return None
    return Match(
        events=(found,),
        because=f"a {found.name} came back from {found.from_domain} to {found.to_domain}: {condition}",
        owner=Owner.PEER,
        domain=found.from_domain,
    )
