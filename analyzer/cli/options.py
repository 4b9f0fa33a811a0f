"""What every verb that reads inputs takes, and what of it the reader is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from parsers.source import How

_DOMAIN = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
"""A domain name in A-labels, underscores borne with."""

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


def domains(_: click.Context, option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as they were typed. Raises FedtraceError for one that no domain can have (RFC 1123 section 2.1)."""
    from parsers.errors import FedtraceError
    from parsers.names import domain

    for name in names:
        if not _DOMAIN.fullmatch(domain(name)):
            raise FedtraceError(
                f"{option.opts[0]} {name!r}", "this is no domain name", "repeat the option for each domain"
            )
    return names


def tells(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that tell of inputs what they leave out; the verb is given them as `**how`."""
    options = (
        click.option(
            "--local-domain",
            "local_domains",
            multiple=True,
            metavar="DOMAIN",
            callback=domains,
            help="A domain on our side; may be repeated.",
        ),
        click.option(
            "--port", "ports", multiple=True, type=click.IntRange(1, 65535), help="A further port to read as XMPP."
        ),
        click.option("--dns-names", multiple=True, metavar="PATTERN", help="Further DNS names to read; '*' reads all."),
        click.option("--as", "as_format", metavar="FORMAT", help="Read every input as this format."),
        click.option(
            "--engine",
            type=click.Choice(["auto", "own", "tshark"]),
            default="auto",
            show_default=True,
            help="Who dissects captures; auto asks tshark for what fedtrace does not know.",
        ),
        click.option(
            "--keylog",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="TLS secrets of one end (SSLKEYLOGFILE): tshark decrypts with them.",
        ),
        click.option("--zone", metavar="ZONE", help="Zone of logs that name none: Europe/Berlin, +02:00. Else UTC."),
        click.option("--year", type=click.IntRange(1980, 2199), help="Year of logs that leave it out."),
        click.option("--date", metavar="DAY", help="Day of the first line of logs with times only: 2013-09-06."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def reads(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb that shows what inputs say; it is given them as `**how`."""
    redact = click.option(
        "--redact",
        is_flag=True,
        help="Replace names, addresses, JIDs and file names, each by the same stand-in everywhere.",
    )
    return tells(redact(command))


def told(how: dict[str, Any]) -> How:
    """What the user told of the inputs."""
    from parsers.clock import day_named, zone_named
    from parsers.errors import FedtraceError
    from parsers.ingest import format_named
    from parsers.source import FEDERATION_PORTS, How

    # What is wrong with an option is said at once, not of each input.
    for option, check in (("zone", zone_named), ("date", day_named), ("as_format", format_named)):
        if how[option] is not None:
            check(how[option])
    if how["keylog"] is not None and how["engine"] == "own":
        raise FedtraceError("--keylog", "only tshark decrypts", "leave out --engine own")
    return How(
        ports=tuple(dict.fromkeys((*FEDERATION_PORTS, *how["ports"]))),
        dns_names=how["dns_names"],
        format=how["as_format"],
        engine=how["engine"],
        keylog=how["keylog"],
        zone=how["zone"],
        year=how["year"],
        date=how["date"],
    )
