"""The command `fedtrace`: its verbs, and the exit codes. The only place that prints or exits.

Each verb imports what it needs when it runs, so that `--help` starts at once.
"""

from __future__ import annotations

import sys
from errno import EDQUOT, ENOSPC
from io import TextIOWrapper
from typing import Any

import click

from analyzer.cli.analyze import analyze
from analyzer.cli.batch import batch
from analyzer.cli.compare import compare
from analyzer.cli.exits import INTERRUPTED, TERMINATED, UNUSABLE, Terminated, bug, terminable
from analyzer.cli.extract import extract
from analyzer.cli.filter import filter
from analyzer.cli.inputs import events, sniff
from analyzer.cli.pages import explain, formats, rules
from analyzer.cli.session import session
from analyzer.cli.verify import verify
from analyzer.cli.writing import UNSPEAKABLE, say_no_more, tell


class Fedtrace(click.Group):
    """The group of verbs; bad input ends in one sentence and exit code 2, a bug of ours in a traceback and 4."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        from parsers.errors import FedtraceError

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors=UNSPEAKABLE)
        try:
            with terminable():
                return super().invoke(ctx)
        except FedtraceError as error:
            from analyzer.report.words import escape

            tell(f"fedtrace: {escape(str(error), 1000)}")
            ctx.exit(UNUSABLE)
        except BrokenPipeError:
            say_no_more()
            ctx.exit(0)
        except (click.Abort, KeyboardInterrupt):
            tell("fedtrace: interrupted")
            ctx.exit(INTERRUPTED)
        except Terminated:
            tell("fedtrace: terminated")
            ctx.exit(TERMINATED)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
                say_no_more()
                tell(f"fedtrace: output cannot be written: {str(error.strerror).lower()}; make room")
                ctx.exit(UNUSABLE)
            import traceback

            bug(traceback.format_exc())


@click.group(cls=Fedtrace, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fedtrace")
def main() -> None:
    """Why does XMPP federation between two domains fail?

    Reads the captures, logs and transcripts of an incident and says, for each pair of domains and each direction,
    whether federation works, and if not, why, with frames and lines as evidence.

    \b
    fedtrace analyze incident/
    fedtrace analyze inside.pcap asa.log cups.log --local-domain example.com
    tcpdump -w - port 5269 or port 53 | fedtrace analyze -
    """  # noqa: D301  (click looks for the control character, not for its escape)


for verb in (analyze, batch, session, compare, extract, filter, verify, events, sniff, explain, rules, formats):
    main.add_command(verb)
