"""The command line of Cisco's voice appliances (CUPS, IM&P, CUCM), prompt `admin:`.

The host's own network as `show network eth0` tells it, pings and lookups of it, which services run, and the S2S
component in the database. `utils network capture` prints packets without a day and with names for addresses: these are
counted, not told; a capture file says more. Grammar: Cisco's Command Line Interface Guide for IM and Presence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers.events import Probe, Setting
from parsers.names import domain
from parsers.transcripts.lookups import HOST_LINES, UNREACHED, HostOutput
from parsers.transcripts.reader import Block, Told, Transcript, address, short

ROWS_MAX = 64
"""Rows of one answer of the database that are told."""

_PING = re.compile(r"utils network ping6? +(?:-\S+ +)*(?P<target>[\w.:-]{1,255})")
_HOST = re.compile(r"utils network host +(?P<name>[\w.-]{1,255})(?P<options>.*)")
_SERVER = re.compile(r" server +(?P<server>\S+)")

_PAIR = re.compile(r"(?P<key>[A-Za-z][A-Za-z ]{0,30}?) *: (?P<value>\S+(?: \S+)*)")
"""Two of them stand in a line, apart by blanks."""
_SETTINGS = {
    "ip address": "address",
    "primary": "DNS server",
    "secondary": "DNS server",
    "gateway": "gateway",
    "domain": "domain",
    "duplicate ip": "duplicate address",
    "status": "link",
}
"""What `show network eth0` calls it, and what it is. `IP Mask`, `Mode` and the like are passed over."""
_SERVICE = re.compile(
    r"\s*(?P<name>(?:A )?Cisco [\w &()/.-]{2,80}?)\s*\[(?P<state>[A-Z ]{2,24})\]\s*(?P<why>[\w ]{0,60})"
)
_XCP = re.compile(r"XCP|Presence|SIP Proxy|Login Datastore|Route Datastore|SIP Registration")
"""Services that federation needs."""
_COMPONENT = re.compile(r"\bcm-\d{1,4}_s2scp-\d{1,4}\.\S+")
_RULER = re.compile(r"\s*=+(?: +=+)*\s*")

_LOCAL = re.compile(r"\s*(?P<name>\S+) resolves locally to (?P<ip>\S+)")
_SHORT = re.compile(r"\s*Hostname (?P<name>\S+) resolves to (?P<ip>\S+)")
_PINGED = re.compile(r"\s*PING6? (?P<target>\S+?) ?\((?P<ip>[^)\s]+)\)")
_PONG = re.compile(r"\s*\d+ bytes from ")
_PING_FAILED = (
    ("denied", re.compile(r"\s*From \S+ .*(?:[Pp]rohibited|[Ff]iltered)")),
    ("failed", re.compile(r"\s*From \S+ .*(?:[Uu]nreachable|Time to live exceeded)")),
    ("unresolved", re.compile(r"\s*(?:ping6?: )?(?:unknown host|.*Name or service not known)")),
    ("timeout", re.compile(r".* 100% packet loss")),
)
_PACKET = re.compile(r"\s*\d\d:\d\d:\d\d\.\d{6} (?:IP6?|ARP)\b")


def _tells(block: Block) -> Iterator[Told]:
    """By what was typed; a block without a command is settings, services and rows."""
    if found := _PING.match(block.command):
        yield from _ping(block, found["target"])
    elif found := _HOST.match(block.command):
        yield from _host(block, found)
    elif not block.command.startswith("utils network"):
        yield from _settings(block)


def _ping(block: Block, target: str) -> Iterator[Told]:
    """What came of a ping; nothing where the paste ends before that."""
    decided: tuple[int, str, str] | None = None
    ip = address(target)
    for number, text in block.lines:
        if found := _PINGED.match(text):
            ip = address(found["ip"]) or ip
        elif _PONG.match(text):
            decided = (number, "open", text)
            break
        elif outcome := next((word for word, pattern in _PING_FAILED if pattern.match(text)), None):
            # What the path said is more than that nothing came back.
            decided = decided or (number, outcome, text)
    if decided is not None:
        line, word, text = decided
        fields = {"tool": "ping", "target": target, "target_ip": ip, "port": 0, "outcome": word}
        yield Told(line, Probe, {**fields, "prompt": block.host, "text": short(text)})


def _host(block: Block, command: re.Match[str]) -> Iterator[Told]:
    """A lookup: what the host's own file says of the name is no answer of DNS."""
    server = _SERVER.search(command["options"])
    output = HostOutput(resolver=server["server"] if server else None, client_ip=block.client_ip)
    rrtype = "SRV" if re.search(r"\bsrv\b", command["options"], re.I) or command["name"].startswith("_") else "A"
    output.ask(block.line, command["name"], rrtype)
    for number, text in block.lines:
        if found := _LOCAL.match(text):
            yield Told(number, Setting, {"name": f"local name {domain(found['name'])}", "value": found["ip"]})
        elif found := _SHORT.match(text):
            output.read(number, f"{found['name']} has address {found['ip']}")
        elif found := UNREACHED.match(text):
            output.resolver = found["server"] or output.resolver
            output.no_answer()
        else:
            output.read(number, text)
    yield from output.told()


def _settings(block: Block) -> Iterator[Told]:
    """What `show network`, `utils service list` and `run sql` print."""
    columns: list[tuple[int, int]] = []
    head, rows, before = "", 0, ""
    if found := _COMPONENT.search(block.command):
        yield Told(block.line, Setting, {"name": "S2S component", "value": found[0]})
    for number, text in block.lines:
        if found := _SERVICE.match(text):
            if _XCP.search(found["name"]):
                value = f"{found['state']} {found['why']}".strip()
                yield Told(number, Setting, {"name": short(found["name"]), "value": value})
        elif _RULER.fullmatch(text):
            columns = [m.span() for m in re.finditer("=+", text)]
            head, rows = before, 0
        elif columns and text.strip() and rows < ROWS_MAX:
            rows += 1
            yield from _row(number, text, head, columns)
        elif _COMPONENT.search(text):
            yield Told(number, Setting, {"name": "S2S component", "value": _COMPONENT.findall(text)[0]})
        else:
            columns = columns if text.strip() else []
            for pair in _PAIR.finditer(text):
                name = _SETTINGS.get(pair["key"].lower())
                if name is not None and pair["value"].lower() != "not configured":
                    # `10.10.0.1 on Ethernet 0`
                    value = address(pair["value"].split()[0]) or short(pair["value"])
                    yield Told(number, Setting, {"name": name, "value": value})
        before = text


def _row(number: int, text: str, head: str, columns: list[tuple[int, int]]) -> Iterator[Told]:
    """The cells of a row of the database, but for keys and passwords."""
    for begin, end in columns:
        name, value = head[begin:end].strip(), text[begin:end].strip()
        if name == "cp_id" and value:
            yield Told(number, Setting, {"name": "S2S component", "value": short(value)})
        elif name and value and not re.search("pkid|pass|secret|key|cred|token", name, re.I):
            yield Told(number, Setting, {"name": short(name), "value": short(value)})


FORMAT = Transcript(
    name="cisco_cli",
    title="the command line of CUPS, IM&P or CUCM",
    explanation=(
        "Typed at `admin:` on a Cisco appliance: its address, gateway and DNS servers, pings and lookups, the state of "
        "its services and the S2S component. It tells no time; packets that it prints are counted only."
    ),
    reference=(
        "https://www.cisco.com/c/en/us/support/unified-communications/unified-communications-manager-callmanager/"
        "products-maintenance-guides-list.html"
    ),
    commands=r"(?:show network|utils (?:network|service)|run sql)\b.*",
    begins=(
        r"\s*DHCP +: \w+ +Status +:|\s*(?:Local|External) Resolution:|\s*Link Detected:|\s*IP Address +: \S+ +IP Mask"
        rf"|{_LOCAL.pattern}|{_SHORT.pattern}|{_SERVICE.pattern}"
    ),
    lines=(
        rf"\s*Ethernet \d|\s*(?:DNS|Domain|Gateway|Options|Primary|Secondary|Duplicate IP|Nothing found)\b|{HOST_LINES}"
        rf"|{_PINGED.pattern}|{_PONG.pattern}|\s*From \S+ (?:[(]\S+ )?icmp_seq|\s*---|\s*\d+ packets|\s*rtt "
        rf"|{_PACKET.pattern}|{UNREACHED.pattern}|{_RULER.pattern}$|\s*(?:Service Manager|Primary Node|Executing comm)"
        r"|\s*(?:size|src|port|ip)=|\s*(?:pkid|cp_id)\b|\s*[\w &()/.-]{2,80}\[[A-Z ]{2,24}\]|\s*Requesting service"
    ),
    tells=_tells,
    sample=(
        "admin:show network eth0\n"
        "Ethernet 0\n"
        "DHCP         : disabled           Status     : up\n"
        "IP Address   : 10.10.0.5          IP Mask    : 255.255.255.000\n"
        "Link Detected: yes                Mode       : Auto disabled, Full, 1000 Mbits/s\n"
        "Duplicate IP : no\n"
        "\n"
        "DNS\n"
        "Primary      : 10.10.0.53         Secondary  : Not Configured\n"
        "Gateway      : 10.10.0.1 on Ethernet 0\n"
    ),
)
