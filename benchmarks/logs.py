"""Logs for the benchmarks: a busy firewall, a chat server at debug level and a resolver, federation a small part of it.

`python -m benchmarks.logs KIND LINES PATH` makes one, as `benchmarks.captures` does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from benchmarks.captures import folder

REVISION = 1
"""Part of every file name; raise it when the lines change."""
LINES = {"asa": 3_000_000, "prosody": 600_000, "bind": 600_000, "ejabberd": 600_000}
"""Lines of each kind."""
LONG_LINES = 16_000_000
"""Lines of a log of 2 GB or more."""
SEED = 20
_BEGIN = datetime(2026, 11, 22, 8)  # noqa: DTZ001 (logs tell local time)
_DOMAINS = 200


def made(kind: str, lines: int) -> Path:
    """The log of that kind and length, made now if it was never made. Raises CalledProcessError."""
    path = folder() / f"{kind}-{lines}-r{REVISION}.log"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, "-m", "benchmarks.logs", kind, str(lines), str(part)], check=True)
        part.rename(path)
    return path


def asa(lines: int, random: Random) -> Iterator[str]:
    """A firewall that logs each connection: a thousand lines a second, one in a thousand about federation."""
    for number in range(lines):
        at = _BEGIN + timedelta(milliseconds=number)
        inside = f"inside:10.1.{random.randrange(256)}.{random.randrange(256)}/{random.randrange(1024, 65535)}"
        port = 5269 if random.random() < 0.001 else random.choice((443, 443, 53, 80))
        outside = f"outside:198.51.{random.randrange(256)}.{random.randrange(256)}/{port}"
        kind = random.random()
        if kind < 0.40:
            there = outside.partition(":")[2]
            said = (
                f"%ASA-6-302013: Built outbound TCP connection {number} for {outside} ({there}) to {inside} ({there})"
            )
        elif kind < 0.75:
            said = (
                f"%ASA-6-302014: Teardown TCP connection {number} for {outside} to {inside} duration 0:00:12 "
                f"bytes {random.randrange(99999)} TCP FINs from inside"
            )
        elif kind < 0.85:
            said = (
                f"%ASA-6-302016: Teardown UDP connection {number} for {outside} to {inside} duration 0:00:00 bytes 99"
            )
        elif kind < 0.93:
            said = f"%ASA-6-305011: Built dynamic TCP translation from {inside} to outside:203.0.113.1/40000"
        else:
            said = f'%ASA-4-106023: Deny tcp src {outside} dst {inside} by access-group "OUT_IN" [0x0, 0x0]'
        yield f"{at:%b %d %Y %H:%M:%S} fw1 : {said}"


def prosody(lines: int, random: Random) -> Iterator[str]:
    """A chat server at debug level: clients for the most part; a peer comes and goes now and then."""
    client = (
        "c2s{tag}\tdebug\tReceived[c2s]: <presence>",
        "c2s{tag}\tdebug\tSending[c2s]: <iq id='ab12' type='result' to='user@cupdomain.com/x'>",
        "socket\tdebug\tserver.lua: closed client handler and removed socket from list",
        "c2s{tag}\tinfo\tAuthenticated as user{tag}@cupdomain.com",
        "cupdomain.com:rostermanager\tdebug\tload_roster: for user{tag}@cupdomain.com",
        "stanzarouter\tdebug\tNo handler for stanza",
    )
    peer = (
        "s2sout{tag}\tdebug\tFirst attempt to connect to d{peer}.example, starting with SRV lookup...",
        "s2sout{tag}\tinfo\tBeginning new connection attempt to d{peer}.example ([198.51.100.10]:5269)",
        "s2sout{tag}\tdebug\tSending[s2sout_unauthed]: <db:result to='d{peer}.example' from='cupdomain.com'>",
        "s2sout{tag}\tinfo\tOutgoing s2s connection cupdomain.com->d{peer}.example complete",
    )
    yield from _server(lines, random, client, peer, "{at:%b %d %H:%M:%S} ")


def ejabberd(lines: int, random: Random) -> Iterator[str]:
    """The same of ejabberd."""
    client = (
        "[debug] <0.{tag}.0>@ejabberd_router:do_route:399 Route:",
        "[info] <0.{tag}.0>@ejabberd_c2s:process_auth_result:296 (tls|<0.{tag}.0>) Accepted c2s SCRAM-SHA-1 "
        "authentication for user@cupdomain.com",
        "[debug] <0.{tag}.0>@mod_roster:get_roster:230 roster of user@cupdomain.com",
    )
    peer = (
        "[info] <0.{tag}.0>@ejabberd_s2s:new_connection:502 New s2s connection started <0.{tag}.0>",
        "[info] <0.{tag}.0>@mod_s2s_dialback:s2s_out_auth_result:180 (tcp|<0.{tag}.0>) Accepted outbound s2s dialback "
        "authentication cupdomain.com -> d{peer}.example (198.51.100.10)",
    )
    yield from _server(lines, random, client, peer, "{at:%Y-%m-%d %H:%M:%S}.000 ")


def _server(lines: int, random: Random, client: tuple[str, ...], peer: tuple[str, ...], header: str) -> Iterator[str]:
    """Lines of clients, and every thousandth line those of an attempt to reach a peer."""
    told = 0
    while told < lines:
        at = header.format(at=_BEGIN + timedelta(milliseconds=10 * told))
        if told % 1000 == 999:
            tag, number = f"{random.getrandbits(40):010x}", random.randrange(_DOMAINS)
            for form in peer:
                yield at + form.format(tag=tag if "s2s" in form[:4] else random.randrange(9999), peer=number)
            told += len(peer)
            continue
        tag = f"{random.getrandbits(40):010x}" if client[0].startswith("c2s") else str(random.randrange(9999))
        yield at + random.choice(client).format(tag=tag)
        told += 1


def bind(lines: int, random: Random) -> Iterator[str]:
    """A resolver's query log: web names, and one question in five hundred for a service of federation."""
    for number in range(lines):
        at = _BEGIN + timedelta(milliseconds=number)
        name, kind = f"www{random.randrange(5000)}.example.org", random.choice(("A", "AAAA"))
        if number % 500 == 0:
            name, kind = f"_xmpp-server._tcp.d{random.randrange(_DOMAINS)}.example", "SRV"
        client = f"10.1.{random.randrange(256)}.{random.randrange(256)}#{random.randrange(1024, 65535)}"
        yield (
            f"{at:%d-%b-%Y %H:%M:%S}.{at.microsecond // 1000:03d} queries: info: client @0x7f81bcd09c98 {client} "
            f"({name}): query: {name} IN {kind} +E(0)K (192.0.2.53)"
        )


KINDS: dict[str, Callable[[int, Random], Iterator[str]]] = {
    "asa": asa,
    "prosody": prosody,
    "ejabberd": ejabberd,
    "bind": bind,
}
"""What can be made."""


def write(kind: str, lines: int, path: Path) -> None:
    """Make a log."""
    with path.open("w", encoding="utf-8", buffering=1 << 22) as out:
        out.writelines(f"{line}\n" for line in KINDS[kind](lines, Random(SEED)))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
