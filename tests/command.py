"""The command as tests run it, and two captures to run it on: one in which all is well, one in which a peer refuses."""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import CliRunner, Result

from analyzer.cli import main
from tests.analyzer.reports import valid
from tests.packets import FEATURES, header, pcap, talk

CASES = Path(__file__).parents[1] / "notebooks" / "cases"
DATA = Path(__file__).parent / "data"
FEDTRACE = [sys.executable, "-c", "from analyzer.cli import main; main()"]
HEALTHY = pcap(
    talk(
        (">", header("cupdomain.com", "gmail.com")),
        ("<", header("gmail.com", "cupdomain.com", "stream-id-1") + FEATURES),
        (">", b"<db:result from='cupdomain.com' to='gmail.com'>secret-key</db:result>"),
        ("<", b"<db:result type='valid' from='gmail.com' to='cupdomain.com'/>"),
    )
)
REFUSED = pcap(
    talk(
        (">", header("cupdomain.com", "gmail.com")),
        ("<", header("gmail.com", "cupdomain.com", "stream-id-2")),
        ("<", b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
        client=("10.0.0.6", 40000),
    )
)


def fedtrace(*arguments: str | Path) -> Result:
    """Run the command as a user would, its output no terminal."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


def session_id(*paths: Path) -> str:
    """The id of the first session of these inputs."""
    found: str = valid(fedtrace("analyze", "--format", "json", *paths).stdout)["sessions"][0]["id"]
    return found
