"""Rule: we were sent a key and cannot reach the server that could vouch for it."""

from analyzer.citations import note, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity
from analyzer.session import Session
from analyzer.stage import Stage, end_text
from analyzer.view import CaseView
from parsers.events import Event, Topic

FAILED = ("nxdomain", "servfail", "refused", "unanswered")
"""Outcomes of a lookup after which nothing can be connected to."""


def predicate(session: Session, case: CaseView) -> Match | None:
    """A key for a local domain that waits, while our lookup or our connection to the sender's domain fails."""
    if session.authenticated or not case.is_local(session.receiver):
        return None
    key = next((k for k in session.dialbacks if k.request is not None and k.verify is None), None)
    if key is None or key.request is None:
        return None
    if any(c.accepted for c in session.callbacks):
        return None
    evidence: tuple[Event, ...]
    dead = next((c for c in session.callbacks if c.unanswered or c.refused or c.unreachable is not None), None)
    if dead is not None:
        evidence = (*dead.syns[:1], key.request)
        because = f"{session.receiver} cannot ask {session.initiator}: {end_text(dead.server)} {_fate(dead.outcome)}"
        rival = ("network-syn-unanswered", f"a capture outside the firewall of {session.receiver}")
    else:
        asked = [k for k in session.callback_lookups if k.service == "_xmpp-server" or k.rrtype in ("A", "AAAA")]
        failed = next((k for k in asked if k.outcome in FAILED), None)
        if failed is None or any(k.addresses for k in asked) or session.callbacks:
            return None
        evidence = (failed.answer or failed.steps[0].event, key.request)
        because = f"{session.receiver} cannot ask {session.initiator}: its lookup of {failed.name} was {failed.outcome}"
        rival = ("dns-srv-nxdomain", f"the zone of {session.initiator}, asked for from elsewhere")
    return Match(
        events=evidence,
        because=because,
        connection=key.asked_on,
        domain=session.initiator,
        undecided=(rival,),
    )


def _fate(outcome: str) -> str:
    """What became of a connection, in words."""
    return {"refused": "refused the connection", "unreachable": "is unreachable"}.get(outcome, "does not answer")


RULE = Rule(
    title="The server that could vouch for the key cannot be reached",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.NETWORK,
    needs=frozenset({Stage.AUTH}),
    masks=(
        "dialback-result-error",
        "dialback-result-timeout",
        "stream-remote-connection-failed",
        "stream-not-authorized",
    ),
    rivals=("network-syn-unanswered", "dns-srv-nxdomain", "dns-srv-servfail"),
    said=(
        SaidSign(
            topic=Topic.AUTH_FAILED,
            conditions=(
                "callback-failed",
                "callback-timeout",
            ),
        ),
    ),
    explanation=(
        "A peer sent us its dialback key. To check it our server looks up the peer's domain and connects there,\n"
        "and that failed: so the peer's stream towards us fails although nothing is wrong with it.\n"
        "Inbound federation needs an outbound connection too."
    ),
    remedy=(
        "The server that verifies must reach the server of the domain that sent the key: see that the domain's SRV\n"
        "record leads there, that its firewall lets TCP 5269 in (or whatever port the record names), and that the\n"
        "verifying side's lets it out."
    ),
    sources=(xep(220, "1.4"), xep(220, "2.5"), note("ejabberd issue 1569, Failed inbound s2s dialback")),
    predicate=predicate,
)
