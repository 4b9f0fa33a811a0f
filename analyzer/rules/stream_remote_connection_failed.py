"""Rule: the server could not reach another that it needs, for a dialback check our own."""

from analyzer.citations import rfc, xep
from analyzer.rule import Match, Owner, Rule, SaidSign, Severity, owner_of, words_of
from analyzer.session import Session
from analyzer.stage import Stage
from analyzer.view import CaseView
from parsers.events import Topic


def predicate(session: Session, case: CaseView) -> Match | None:
    """The stream error `remote-connection-failed`."""
    found = session.error("remote-connection-failed")
    if found is None:
        return None
    connection, error = found
    speaker = connection.sender(error)
    other = (connection.initiator if connection.way(error) == "<" else connection.receiver) or "the other side"
    return Match(
        events=(error,),
        because=f"{speaker} could not reach a server that it needs to check {other}: {words_of(error)}",
        connection=connection.id,
        domain=other,
        owner=owner_of(other, case),
        undecided=(
            ("network-callback-blocked", f"a capture outside the firewall of {other}: does {speaker} call back?"),
        ),
        severity=Severity.DEGRADED if session.survived(connection) else None,
        remedy=(
            f"publish _xmpp-server._tcp.{other} and its address for the world to see, and let {speaker} connect to it"
        ),
    )


RULE = Rule(
    title="The peer cannot connect back",
    stage=Stage.AUTH,
    severity=Severity.FAILURE,
    owner=Owner.LOCAL,
    needs=frozenset({Stage.STREAM, Stage.AUTH}),
    masks=("stream-closed-without-error",),
    rivals=("network-callback-blocked", "dns-srv-nxdomain", "dns-srv-private-address"),
    said=(SaidSign(topic=Topic.REFUSED, conditions=("remote-connection-failed",)),),
    explanation=(
        "The server closed the stream with `remote-connection-failed`: it could not reach a server it needs for\n"
        "authentication. In dialback that is the server which DNS names for the initiating domain.\n"
        "So the SRV record of the initiating domain, its address, or the way in to it is at fault."
    ),
    remedy=(
        "Open inbound TCP 5269 to the initiating domain's server.\nLook at its SRV and address records from outside."
    ),
    sources=(rfc(6120, "4.9.3.15"), xep(220, "2.5")),
    predicate=predicate,
)
