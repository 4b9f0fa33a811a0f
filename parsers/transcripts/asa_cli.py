"""What a Cisco ASA or FTD prints at its own prompt: packet-tracer, captures, connections, translations, rules, drops.

Each line has a form of its own, so that pastes without a command are read as well. Who opened a connection `show conn`
does not say outright: the end with the service's port is the server. Its syslog, `show logging` too, is another format.
Grammar: Cisco ASA Series Command Reference, 8.2 to 9.20.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import FirewallLog, Probe, Setting
from parsers.transcripts.asa_rules import BEGINS, IP, LINES, Rules, flow, port, translation
from parsers.transcripts.reader import Block, Told, Transcript, address, short

_TRACE = re.compile(
    r"packet-tracer input (?P<if>\S+) (?P<proto>tcp|udp|icmp|sctp|rawip) (?P<src>\S+) (?P<sport>\S+) "
    r"(?:(?P<dst>[^\s]*[.:]\S*) (?P<dport>[\w-]+)|\d+ (?P<to>\S+))"
)
_ACTION = re.compile(r"\s*Action: (?P<action>allow|drop)\b")
_REASON = re.compile(r"\s*Drop-reason: [(].+")
_TRANSLATE = re.compile(
    rf"\s*(?P<un>un)?(?P<kind>(?:Static |Dynamic )?translate) (?P<ip1>{IP})/(?P<port1>\d+)"
    rf" to (?P<ip2>{IP})/(?P<port2>\d+)",
    re.I,
)
_PINGED = re.compile(
    rf"\s*Sending \d+(?: TCP SYN requests to (?P<ip>{IP}) port (?P<port>\d+)|, \d+-byte ICMP Echos to (?P<host>{IP}),)"
)
_RATE = re.compile(r"\s*Success rate is (?P<percent>\d{1,3}) percent")

_PACKET = re.compile(
    rf"\s*\d+: (?P<time>\d\d:\d\d:\d\d\.\d{{1,6}})\s+(?:802\.1Q vlan#\d+ P\d )?"
    rf"(?P<src>{IP})\.(?P<sport>\d+) > (?P<dst>{IP})\.(?P<dport>\d+):\s+(?P<rest>.*)"
)
_FLAGS = re.compile(r"(?P<flags>[SFRPWE.]{1,6})(?=\s|$)(?P<numbers>[^<]*)")
_FLAG_NAMES = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH"}
_DROPPED = re.compile(r"Drop-reason: (?P<reason>[(].+)")
_CONN = re.compile(
    rf"\s*(?P<proto>TCP|UDP) (?P<if1>[\w-]+)(?:: ?| )(?P<ip1>{IP})[:/](?P<port1>\d+) "
    rf"(?P<if2>[\w-]+)(?:: ?| )(?P<ip2>{IP})[:/](?P<port2>\d+),?(?P<rest>.*)"
)
_CONN_FLAGS = re.compile(r"flags (?P<flags>[A-Za-z0-9]{1,16})")
_CONN_BYTES = re.compile(r"bytes (?P<bytes>\d{1,15})")
_XLATE = re.compile(
    rf"\s*(?:(?P<proto>TCP|UDP) )?(?:PAT|NAT|SPAT) from (?P<if1>[\w-]+):(?P<ip1>{IP})(?:[/ ](?P<port1>\d+)(?:-\d+)?)?"
    rf"(?:\([^)]*\))? to (?P<if2>[\w-]+):(?P<ip2>{IP})(?:[/ ](?P<port2>\d+)(?:-\d+)?)?(?P<rest>(?:\s.*)?)$"
)
_XLATE_FLAGS = re.compile(r"flags (?P<flags>[A-Za-z]{1,12})")
_GLOBAL = re.compile(
    rf"\s*(?:PAT )?Global (?P<ip2>{IP})(?:[(](?P<port2>\d+)[)])? Local (?P<ip1>{IP})(?:[(](?P<port1>\d+)[)])?\s*$"
)
"""8.2 and earlier."""
_COUNTED = re.compile(r"\s*\d+ packets? (?:captured|shown)")

_ASP = re.compile(r"\s+\S.*[(](?P<code>[\w-]+)\)?\s+(?P<count>\d+)\s*$")
"""The widest names are cut, and their bracket with them."""
_ASP_KIND = re.compile(r"\s*(?P<kind>Frame|Flow) drop:\s*$")


class _Output:
    """What was printed so far."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._rules = Rules(block)
        self._trace = _TRACE.search(block.command)
        self._action: tuple[int, str, str] | None = None
        self._pinged: re.Match[str] | None = None
        self._drops = "asp"
        self._begun: tuple[int, str] | None = None

    def read(self) -> Iterator[Told]:
        """All of it; a packet, a connection and a translation may go on in the next line."""
        for number, text in self._block.lines:
            if self._begun is not None and _goes_on(text):
                line, begun = self._begun
                self._begun = (line, f"{begun} {text.strip()}"[:2048])
                continue
            yield from self._wrapped()
            if _is_wrapped(text):
                self._begun = (number, text)
            else:
                yield from self._line(number, text)
        yield from self._wrapped()
        yield from self._traced()
        yield from self._rules.end()

    def _wrapped(self) -> Iterator[Told]:
        begun, self._begun = self._begun, None
        if begun is not None:
            line, text = begun
            if found := _PACKET.match(text):
                yield from self._packet(line, found, text)
            elif found := _CONN.match(text):
                yield from self._conn(line, found, text)
            elif found := _XLATE.match(text):
                flags = _XLATE_FLAGS.search(found["rest"])
                kind = None if flags is None else "static" if "s" in flags["flags"] else "dynamic"
                yield from translation(self._block, line, "show xlate", found.groupdict(), kind, text)

    def _line(self, line: int, text: str) -> Iterator[Told]:
        if found := _ACTION.match(text):
            yield from self._traced()
            self._action = (line, found["action"], text)
        elif _REASON.match(text) and self._action is not None:
            self._action = (line, self._action[1], text)
            yield from self._traced()
        elif found := _TRANSLATE.match(text):
            kind = "dynamic" if found["kind"].lower().startswith("dynamic") else None
            yield from translation(self._block, line, "packet-tracer", _untranslated(found), kind, text)
        elif found := _GLOBAL.match(text):
            yield from translation(self._block, line, "show xlate", found.groupdict(), None, text)
        elif found := _ASP_KIND.match(text):
            self._drops = found["kind"].lower()
        elif found := _ASP.match(text):
            yield Told(line, Setting, {"name": f"{self._drops} drop {found['code']}", "value": found["count"]})
        elif found := _PINGED.match(text):
            self._pinged = found
        elif (found := _RATE.match(text)) and self._pinged is not None:
            target, number = self._pinged["ip"] or self._pinged["host"], port(self._pinged["port"])
            # Silence and a reset make the same rate.
            yield self._probe(line, "ping", target, number, "open" if int(found["percent"]) else "failed", text)
            self._pinged = None
        else:
            yield from self._rules.read(line, text)

    def _traced(self) -> Iterator[Told]:
        """What became of the packet that the firewall made up; of which packet, only the command tells."""
        action, self._action = self._action, None
        if action is not None:
            line, word, text = action
            target = (self._trace["dst"] or self._trace["to"]) if self._trace else ""
            number = port(self._trace["dport"]) if self._trace else 0
            outcome = "open" if word == "allow" else "denied"
            yield self._probe(line, "packet-tracer", target, number, outcome, text)

    def _probe(self, line: int, tool: str, target: str, number: int, outcome: str, text: str) -> Told:
        fields = {"tool": tool, "target": target, "target_ip": address(target), "port": number, "outcome": outcome}
        return Told(line, Probe, {**fields, "prompt": self._block.host, "text": short(text)})

    def _packet(self, line: int, found: re.Match[str], text: str) -> Iterator[Told]:
        """A packet of `show capture`."""
        src, dst = address(found["src"]), address(found["dst"])
        sport, dport = port(found["sport"]), port(found["dport"])
        if src is None or dst is None or not self._block.federates(sport, dport):
            return
        dropped = _DROPPED.search(found["rest"])
        if dropped is None and sport in self._block.ports and dport not in self._block.ports:
            # An answer: the server did not open the connection. What is dropped, its sender is told of.
            src, sport, dst, dport = dst, dport, src, sport
        proto = "udp" if found["rest"].startswith("udp") else "tcp"
        fields = {
            "action": "deny" if dropped else "other",
            "message_id": "show capture",
            "real": flow((src, sport), (dst, dport), proto),
            "reason": short(dropped["reason"]) if dropped else None,
            "flags": _flags(found["rest"]) if proto == "tcp" else None,
            "text": short(text),
        }
        yield Told(line, FirewallLog, fields, found["time"])

    def _conn(self, line: int, found: re.Match[str], text: str) -> Iterator[Told]:
        """A connection of `show conn`; its flags are the firewall's, and say how far it came."""
        one, two = (address(found["ip1"]), port(found["port1"])), (address(found["ip2"]), port(found["port2"]))
        if one[0] is None or two[0] is None or not self._block.federates(one[1], two[1]):
            return
        # The end of lower security stands first, whoever began.
        service = self._block.ports
        turned = (one[1] in service, -one[1]) > (two[1] in service, -two[1])
        src, dst = (two, one) if turned else (one, two)
        names = (found["if1"], found["if2"])
        flags, count = _CONN_FLAGS.search(found["rest"]), _CONN_BYTES.search(found["rest"])
        fields = {
            "action": "other",
            "message_id": "show conn",
            "interfaces": tuple(reversed(names)) if turned else names,
            "real": flow((str(src[0]), src[1]), (str(dst[0]), dst[1]), found["proto"]),
            "reason": f"flags {flags['flags']}" if flags else None,
            "bytes_len": int(count["bytes"]) if count else None,
            "text": short(text),
        }
        yield Told(line, FirewallLog, fields)


def _is_wrapped(text: str) -> bool:
    """Whether a line may go on in the next."""
    return any(form.match(text) for form in (_PACKET, _CONN, _XLATE))


def _goes_on(text: str) -> bool:
    """Whether a line goes on the one before."""
    return text[:1] in " \t" and bool(text.strip()) and not _is_wrapped(text) and not _COUNTED.match(text)


def _untranslated(found: re.Match[str]) -> dict[str, str | None]:
    """Real end first: `Untranslate` goes from the outside address to the inside one."""
    groups = found.groupdict()
    if found["un"]:
        for name in ("ip", "port"):
            groups[f"{name}1"], groups[f"{name}2"] = groups[f"{name}2"], groups[f"{name}1"]
    return groups


def _flags(rest: str) -> str | None:
    """`S 1:1(0) ack 2 win 3` → `SYN ACK`, as the syslog of the same firewall names them."""
    found = _FLAGS.match(rest)
    if found is None:
        return None
    words = [_FLAG_NAMES[letter] for letter in found["flags"] if letter in _FLAG_NAMES]
    return " ".join([*words, *(["ACK"] if "ack " in found["numbers"] else [])]) or None


def _tells(block: Block) -> Iterator[Told]:
    """What each line tells."""
    return _Output(block).read()


FORMAT = Transcript(
    name="asa_cli",
    title="the command line of a Cisco ASA or FTD",
    explanation=(
        "Printed by packet-tracer, ping and `show capture`, `conn`, `xlate`, `nat`, `access-list`, `asp drop` and "
        "`running-config`: what the firewall would do, does and has counted. Of connections and rules only those about "
        "federation ports are told; when, only `show capture` tells, and that without a day."
    ),
    reference="https://www.cisco.com/c/en/us/td/docs/security/asa/asa-cli-reference/S/asa-command-ref-S.html",
    commands=(
        r"packet-tracer input .*|ping (?:tcp .*|[\w.-]+ [\w.:]+)"
        r"|show (?:capture|conn|xlate|nat|access-list|asp drop|running-config|run)\b.*"
        r"|sh (?:cap|conn|xlate|nat|access-l|asp|run)\w*(?: .*)?"
    ),
    begins="|".join(
        (
            r"\s*Phase: \d+\s*$|\s*input-interface: |\s*Action: (?:allow|drop)\s*$|\s*Drop-reason: [(]",
            r"\s*\d+ packets? captured|\s*\d+ in use, \d+ most used|(?:Frame|Flow) drop:\s*$",
            *(form.pattern for form in (_PACKET, _CONN, _XLATE, _GLOBAL, _PINGED)),
            BEGINS,
        )
    ),
    lines="|".join(
        (
            r"\s*(?:Type|Subtype|Result|Config|Additional Information|Blocked by ACL|Time Taken|Elapsed time): ?",
            r"\s*(?:Implicit Rule|Forward Flow based|Reverse Flow based|New flow created|MAC Access list|NAT divert)",
            r"\s*(?:input|output)-(?:interface|status|line-status): |\s*found next-hop|\s+(?:in|out)\s+id=|\s+hits=\d+",
            rf"\s*(?:in|out)\s+{IP}\s|(?i:{_TRANSLATE.pattern})|\s+(?:src|dst) (?:ip|mac)|\s+\S+=\S+, |\s+input_ifc=",
            rf"{_ASP.pattern}|\s*Last clearing:|{_COUNTED.pattern}|\s+flags |{_RATE.pattern}",
            r"\s*[!?R]{1,100}\s*$|\s*Flags: |\s+Flow is denied|\s+\d+:\d+[(]",
            LINES,
        )
    ),
    inner=r">\s*$",
    free=True,
    tells=_tells,
    sample=(
        "asa# packet-tracer input inside tcp 10.10.0.5 40000 198.51.100.10 5269\n"
        "\n"
        "Phase: 1\n"
        "Type: ACCESS-LIST\n"
        "Subtype: \n"
        "Result: DROP\n"
        "Config:\n"
        "Implicit Rule\n"
        "Additional Information:\n"
        "\n"
        "Result:\n"
        "input-interface: inside\n"
        "input-status: up\n"
        "Action: drop\n"
        "Drop-reason: (acl-drop) Flow is denied by configured rule\n"
    ),
)
