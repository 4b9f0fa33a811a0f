"""Stand-ins for what names people and places: names, addresses, JIDs, and texts that hold some.

Each original gets the next number of its kind when it first appears, so that a stand-in says nothing but which ones
are the same; whoever lacks the inputs cannot turn it back, and no hash is there to be tried with guesses.
Knows no event and no case.
"""

from __future__ import annotations

import ast
import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

KEPT_ZONES = (
    ("google", "com"),
    ("googlemail", "com"),
    ("gmail", "com"),
    ("webexconnect", "com"),
    ("webex", "com"),
)
"""Zones that stay, since rules know these two clouds by name and a verdict may rest on it. They name a service that
millions use, not its customer; the labels below them are replaced, for there customers have names."""
KEPT_LABELS = frozenset({"", "*", "localhost", "_tcp", "_udp", "in-addr", "ip6", "arpa", "sip"})
"""Labels that say how a name is used, not whose it is."""
KEPT_ADDRESSES = frozenset(
    {"0.0.0.0", "255.255.255.255", "127.0.0.1", "::", "::1"}
)  # addresses of no host in particular
ENDINGS = (".pcap", ".pcapng", ".cap", ".log", ".txt", ".jsonl", ".gz", ".zst")
"""Endings of file names that tell a format."""
NAME_MAX, LABEL_MAX = 253, 63
"""Longer ones are no names in DNS (RFC 1035 section 2.3.4), which is a fault that a stand-in has too."""
NUMBERS_MAX = 3
"""Numbers of one word that stay: a date has three, and an address four."""

_CLASSES = tuple(
    (ipaddress.ip_network(wide), ipaddress.ip_network(narrow), bits)
    for wide, narrow, bits in (
        ("10.0.0.0/8", "10.224.0.0/11", 24),
        ("172.16.0.0/12", "172.28.0.0/14", 24),
        ("192.168.0.0/16", "192.168.192.0/18", 24),
        ("100.64.0.0/10", "100.112.0.0/12", 24),
        ("169.254.0.0/16", "169.254.192.0/18", 24),
        ("127.0.0.0/8", "127.224.0.0/11", 24),
        ("224.0.0.0/4", "239.224.0.0/11", 24),
        ("0.0.0.0/0", "240.0.0.0/5", 24),  # reserved for ever (RFC 1112 section 4): nobody's
        ("fe80::/10", "fe80::/10", 64),
        ("fc00::/7", "fdfe::/16", 64),
        ("ff00::/8", "ff0e::/16", 64),
        ("::/0", "2001:db8::/32", 64),  # for examples (RFC 3849)
    )
)
"""An address stays in its class, and two of one subnet in one subnet: class, where its stand-ins lie, prefix length."""
_TOKEN = re.compile(
    r"(?P<jid>[^\s\"'<>()\[\]{},;:=/@]+@[\w-]+(?:\.[\w-]+)*(?:/[^\s\"'<>,;)\]]+)?)"
    r"|(?P<six>(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F.]*)"
    r"|(?P<four>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\w))"
    r"|(?P<name>[\w*-]+(?:\.[\w-]+)+)"
    r"|(?P<word>\w+(?:-\w+)*)"
)
_NUMBERED = re.compile(r"[\d.]+")


@cache
def own_words(*packages: str) -> frozenset[str]:
    """Every word, in lower case, that these packages themselves speak: in patterns, in rules, in what they print.

    Docstrings and samples do not count: they are full of names.
    """
    found: set[str] = set()
    for package in packages:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in Path(folder).rglob("*.py"):
                _words_of(ast.parse(path.read_text(encoding="utf-8")), found)
    return frozenset(found)


def _words_of(node: ast.AST, found: set[str]) -> None:
    for child in ast.iter_child_nodes(node):
        said = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        sample = isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == "Sample"
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            text = re.sub(r"\\[a-zA-Z]|\(\?P<\w+>", " ", child.value)
            # What stands with dots or an @ is a name that we speak of, and no word.
            found.update(w.lower() for w in re.findall(r"(?<![\w.@-])\w+(?:-\w+)*(?![\w@]|\.\w)", text))
            found.update(w.lower() for w in re.findall(r"[a-z0-9]+", text.lower()) if "." not in text)
        elif not said and not sample:
            _words_of(child, found)


class StandIns:
    """What each original is replaced with. One object for all outputs of a case keeps their joins."""

    def __init__(self, words: frozenset[str]) -> None:
        """`words` stay in texts, in lower case; every other word goes."""
        self._words = words
        self._held: dict[str, dict[str, str]] = {}
        self._counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._addresses: dict[str, str] = {}

    def of(self, kind: str, original: str, form: Callable[[int], str]) -> str:
        """The stand-in of an original among those of its kind, `form(1)` for the first."""
        held = self._held.setdefault(kind, {})
        if original not in held:
            held[original] = form(len(held) + 1)
        return held[original]

    def knows(self, word: str) -> bool:
        """Whether it is a label of a name, or a user, that has appeared."""
        return any(word.lower() in self._held.get(kind, ()) for kind in ("label", "user"))

    # --- addresses

    def address(self, text: str) -> str:
        """An address of the same family and class, in the same subnet as its neighbours; text that is none: a name."""
        try:
            parsed = ipaddress.ip_address(text)
        except ValueError:
            return self.name(text)
        if text in KEPT_ADDRESSES:
            return text
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            return f"::ffff:{self.address(str(parsed.ipv4_mapped))}"
        wide, narrow, bits = next(c for c in _CLASSES if c[0].version == parsed.version and parsed in c[0])
        host_bits = narrow.max_prefixlen - bits
        subnets, size = 1 << (bits - narrow.prefixlen), 1 << min(host_bits, 32)
        subnet = str(int(parsed) >> host_bits)
        at = self._place(f"subnet {wide}", subnet) % subnets
        host = (self._place(f"host {wide} {subnet}", str(int(parsed))) + 1) % size
        told = str(ipaddress.ip_address(int(narrow.network_address) + (at << host_bits) + host))
        self._addresses.setdefault(told, str(parsed))
        return told

    def address_behind(self, told: str) -> str:
        """The address that a stand-in of this object stands for."""
        mapped = told.removeprefix("::ffff:")
        return f"::ffff:{self.address_behind(mapped)}" if mapped != told else self._addresses.get(told, told)

    def _place(self, kind: str, original: str) -> int:
        return int(self.of(kind, original, str)) - 1

    # --- names

    def name(self, text: str) -> str:
        """A domain name of the same depth; equal labels have equal stand-ins, so that a part of a name stays one.

        The last label gets a form that no top-level domain can have, with a digit, or the reserved `test` (RFC 2606).
        """
        if text not in self._names:
            self._names[text] = self._name(text)
        return self._names[text]

    def _name(self, text: str) -> str:
        if _is_address(text):
            return self.address(text)
        if "@" in text:
            return self.jid(text)
        labels = text.split(".")
        if labels[-2:] == ["in-addr", "arpa"] and _is_address(turned := ".".join(labels[-3::-1])):
            return ".".join([*self.address(turned).split(".")[::-1], "in-addr", "arpa"])
        kept = [False] * len(labels)
        for zone in KEPT_ZONES:
            for at in range(len(labels) - len(zone) + 1):
                if tuple(label.lower() for label in labels[at : at + len(zone)]) == zone:
                    kept[at : at + len(zone)] = [True] * len(zone)
        pad = len(text) > NAME_MAX
        out = []
        for at, label in enumerate(labels):
            below = len(labels) - 1 - at
            told = label if kept[at] else self._label(label, below if len(labels) > 1 else 2)
            out.append(told.ljust(len(label), "x") if pad or len(label) > LABEL_MAX else told)
        return ".".join(out)

    def _label(self, label: str, below: int) -> str:
        """The stand-in of one label; `below` tells how many labels follow it."""
        low = label.lower()
        if low in KEPT_LABELS:
            return label
        if low.startswith("_"):
            return "_" + re.sub(r"[a-z0-9]+", lambda m: m[0] if m[0] in self._words else self._label(m[0], 2), low[1:])
        held = self._held.setdefault("label", {})
        if low not in held:
            kind = ("test", "domain")[below] if below < 2 else "host"
            self._counts[kind] = number = self._counts[kind] + 1
            held[low] = "test" if kind == "test" and number == 1 else f"{kind}-{number}"
        found = held[low]
        return found if label.isascii() else f"{found}ä"  # what IDNA refuses, it refuses of the stand-in too

    def jid(self, text: str) -> str:
        """`localpart@domain/resource` (RFC 7622): `user-1@…`, its resource gone."""
        local, _, rest = text.rpartition("@")
        domain, slash, resource = rest.partition("/")
        user = self.of("user", local.lower(), lambda number: f"user-{number}")
        tail = self.of("resource", resource, lambda number: f"/resource-{number}") if slash else ""
        return f"{user}@{self.name(domain.lower())}{tail}"

    def subject(self, text: str) -> str:
        """A distinguished name (RFC 4514): the types of its attributes stay."""
        return ",".join(self._attribute(part) for part in re.split(r"(?<!\\)[,+]", text))

    def _attribute(self, part: str) -> str:
        kind, equals, value = part.partition("=")
        if not equals:
            return self.of("attribute", part, lambda number: f"attribute-{number}")
        named = "." in value and " " not in value
        shown = self.name(value) if named else self.of("attribute", value, lambda number: f"attribute-{number}")
        return f"{kind.strip()}={shown}"

    # --- texts

    def text(self, text: str) -> str:
        """A text with addresses, names and JIDs replaced, and of all other words only our own and plain numbers."""
        if text not in self._texts:
            told = _TOKEN.sub(self._token, text)
            self._texts[text] = re.sub(r"…(?:[\W_]{0,2}…)+", "…", told)
        return self._texts[text]

    def _token(self, match: re.Match[str]) -> str:
        token = match[0]
        if match["jid"]:
            return self.jid(token)
        if match["six"]:
            bare = token.rstrip(":.") if not token.endswith("::") else token
            if _is_address(bare):
                return self.address(bare) + token[len(bare) :]
            return re.sub(r"\w+", lambda m: self._word(m[0]), token)
        if match["four"] and _is_address(token):
            return self.address(token)
        if match["name"]:
            return token if _NUMBERED.fullmatch(token) and token.count(".") < NUMBERS_MAX else self.name(token.lower())
        return self._word(token)

    def _word(self, word: str) -> str:
        """A word by itself: ours, a number, a label of a name that appeared, or nothing."""
        low = word.lower()
        if low in self._words or (word.isdigit() and word.isascii()):
            return word
        if low in self._held.get("label", {}):
            return self._held["label"][low]
        parts = re.split(r"([_-]+)", word)
        if len(parts) == 1:
            return "…"
        if sum(part.isdigit() for part in parts) > NUMBERS_MAX:
            return "…"
        return "".join(part if number % 2 else self._word(part) for number, part in enumerate(parts))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
