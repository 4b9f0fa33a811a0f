"""Stanzas as servers send them: chat with its markers, presence, disco requests, group chat with end-to-end encryption.

Only their shape and size matter: nobody said any of this.
"""

from __future__ import annotations

from random import Random

_PROSE = """
    although answer archive autumn bicycle bridge calendar candle carpet cellar coffee compass copper corner cotton
    daylight dinner doctor feather ferry finger forest garden glacier hammer harbour island kettle ladder lantern
    letter library meadow mirror morning needle october orchard paper pencil pepper planet pocket railway river
    saddle season shadow silver sister station summer sunday supper table thunder ticket timber velvet village violin
    wagon weather window winter yellow
"""

WORDS = _PROSE.split()


def _chat(luck: Random, ends: str, text: str) -> str:
    return (
        f"<message {ends} type='chat' id='m{luck.getrandbits(48):x}'><body>{text}</body>"
        "<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>"
        f"<origin-id xmlns='urn:xmpp:sid:0' id='{luck.getrandbits(64):x}'/></message>"
    )


def _presence(luck: Random, ends: str, text: str) -> str:
    return (
        f"<presence {ends}><show>away</show><status>{text[:40]}</status>"
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example'"
        f" ver='{luck.getrandbits(96):x}='/></presence>"
    )


def _request(luck: Random, ends: str, text: str) -> str:
    return f"<iq {ends} type='get' id='q{luck.getrandbits(40):x}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"


def _encrypted(luck: Random, ends: str, text: str) -> str:
    return (
        f"<message {ends} type='groupchat' id='{luck.getrandbits(64):x}'><body>{text} {text}</body>"
        f"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='{luck.getrandbits(31)}'>"
        f"<key rid='{luck.getrandbits(31)}'>{luck.getrandbits(800):x}</key><iv>{luck.getrandbits(96):x}</iv></header>"
        f"<payload>{luck.getrandbits(1600):x}</payload></encrypted></message>"
    )


def stanza(luck: Random, sender: str, target: str) -> str:
    """One stanza between two domains: half of them chat, a fifth presence, a fifth requests, a tenth encrypted."""
    ends = f"from='u{luck.randrange(50)}@{sender}/phone{luck.randrange(9)}' to='u{luck.randrange(50)}@{target}'"
    text = " ".join(luck.choices(WORDS, k=luck.randrange(3, 40)))
    (make,) = luck.choices((_chat, _presence, _request, _encrypted), cum_weights=(50, 70, 90, 100))
    return make(luck, ends, text)
