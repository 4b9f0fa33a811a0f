"""What to type at a Cisco ASA to let a connection through, and to try it again, with the addresses of the incident.

Grammar: Cisco ASA Series Command Reference, `access-list extended` and `packet-tracer`.
Knows no rule, and does not know the ASA's configuration: names that no log told are placeholders in capitals.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.addresses import is_private
from analyzer.connection import Connection
from analyzer.stage import End
from analyzer.view import CaseView


def let_in(connection: Connection, case: CaseView) -> str:
    """How to permit what others open to our server: a sentence, and two lines for the command line."""
    address, port = connection.server
    known = (address, *sorted(case.nat.get(address, ())))
    real = next((a for a in known if is_private(a)), address)
    public = next((a for a in known if not is_private(a)), address)
    outside = next((line.interfaces[0] for line in connection.firewall if line.interfaces), "outside")
    return _told(
        f"let TCP from any to {public} port {port} in: an inbound permit, and a static translation to the server. "
        "On an ASA (from 8.3 on an access list names the address behind the translation):",
        f"access-list {_list(connection, 'OUTSIDE-LIST')} extended permit tcp any host {real} eq {port}",
        _tracer(outside, connection.client, (public, port)),
    )


def let_out(connection: Connection, between: str = "") -> str:
    """How to permit what our server opens: a sentence, and two lines for the command line."""
    (address, _), (target, port) = connection.client, connection.server
    inside = next((line.interfaces[0] for line in connection.firewall if line.interfaces), "inside")
    return _told(
        f"let TCP from {address} to any port {port} out{between}. On an ASA:",
        f"access-list {_list(connection, 'INSIDE-LIST')} extended permit tcp host {address} any eq {port}",
        _tracer(inside, connection.client, (target, port)),
    )


def _told(*lines: str) -> str:
    return "\n".join(lines)


def _tracer(interface: str, client: End, server: End) -> str:
    """The same packet, tried by the ASA itself."""
    return f"packet-tracer input {interface} tcp {client[0]} {client[1] or 50000} {server[0]} {server[1]}"


def _list(connection: Connection, unknown: str) -> str:
    """The access list that refused it, as the log of an ASA named it."""
    names: Iterable[str] = (line.rule for line in connection.firewall if line.rule and line.message_id.isdigit())
    return next(iter(names), unknown)
