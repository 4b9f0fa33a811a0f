"""A conversation in one word: a letter for each thing seen, upper case from the client (the idea is Zeek's).

Knows events by name; what they mean it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.machines.table import direction
from analyzer.stage import End
from parsers.events import Event


def letters(events: Iterable[Event], client: End) -> str:
    """The letters of a conversation's events, in order.

    S SYN, H SYN-ACK, F FIN, R RST, O stream header, E features, T STARTTLS word, L hello, X ciphertext,
    A SASL, D dialback result, V dialback verify, M stanza, Z stream error, C stream end, U unreachable, N not XMPP.
    """
    found = []
    for event in events:
        letter = _LETTERS.get(_kind(event))
        if letter:
            found.append(letter if direction(event, client) == ">" else letter.lower())
    return "".join(found)


_LETTERS = {
    "syn": "S",
    "syn-ack": "H",
    "fin": "F",
    "rst": "R",
    "StreamHeader": "O",
    "StreamFeatures": "E",
    "StartTls": "T",
    "TlsHello": "L",
    "TlsData": "X",
    "Sasl": "A",
    "result": "D",
    "verify": "V",
    "Stanza": "M",
    "StreamError": "Z",
    "StreamEnd": "C",
    "Unreachable": "U",
    "NotXmpp": "N",
}


def _kind(event: Event) -> str:
    """The name under which `_LETTERS` knows an event."""
    for field in ("mark", "word"):
        word = getattr(event, field, None)
        if word in _LETTERS:
            return str(word)
    return type(event).__name__
