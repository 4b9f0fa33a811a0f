"""The machine of one dialback key, from the key to its verdict (XEP-0220 sections 1.4 and 2).

Key: sender domain, target domain and stream id, in the words of XEP-0220.
It follows the key over all connections that carry it; it knows none of them, and no time.
"""

from __future__ import annotations

from analyzer.machines.table import Machine
from parsers.events import Dialback

_RESULTS = {"result:valid<": "ACCEPTED", "result:invalid<": "REJECTED", "result:error<": "ERRORED"}
_VERDICTS = {"verify:valid<": "VOUCHED", "verify:invalid<": "DISOWNED", "verify:error<": "VERIFY_ERROR"}


class DialbackMachine(Machine):
    """A verify that comes while no result was seen starts in UNPROMPTED: who asked for it is not in view."""

    NAME = "dialback"
    TABLE = {
        "IDLE": {"result>": "KEY_SENT", "verify>": "UNPROMPTED", **_RESULTS, **_VERDICTS},
        "KEY_SENT": {"result>": "KEY_SENT", "verify>": "VERIFY_ASKED", **_RESULTS},
        "UNPROMPTED": {"verify>": "UNPROMPTED", **_VERDICTS, **_RESULTS},
        "VERIFY_ASKED": {"verify>": "VERIFY_ASKED", **_VERDICTS, **_RESULTS},
        "VOUCHED": {"verify>": "VERIFY_ASKED", **_RESULTS},
        "DISOWNED": {"verify>": "VERIFY_ASKED", **_RESULTS},
        "VERIFY_ERROR": {"verify>": "VERIFY_ASKED", **_RESULTS},
    }


def signal(event: Dialback) -> str:
    """The event in the table's words: a request is `>`, an answer is `<`."""
    return f"{event.word}>" if event.verdict is None else f"{event.word}:{event.verdict}<"


def domains(event: Dialback) -> tuple[str | None, str | None]:
    """Sender domain and target domain of the key that the event speaks of (XEP-0220 section 1.3).

    A result goes from sender to target and its answer back; a verify goes from target to sender and its answer back.
    """
    towards_target = (event.word == "result") == (event.verdict is None)
    return (event.from_domain, event.to_domain) if towards_target else (event.to_domain, event.from_domain)
