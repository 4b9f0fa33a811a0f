"""`openssl s_client -starttls xmpp-server`: whether a port accepts, whether TLS comes up, and with which certificates.

`Verify return code: 0 (ok)` is printed as well where there was nothing to verify: without a certificate it is no
success. What stream error the peer sent it hides. Grammar: apps/s_client.c of OpenSSL 0.9.8 to 3.4.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.clock import Clock
from parsers.events import Probe, Setting, TlsCertificate
from parsers.names import domain
from parsers.source import How
from parsers.transcripts.reader import Block, Told, Transcript, address, short
from parsers.wire import certificate

CHAIN_MAX = 16
"""Certificates of one chain; a server that sends more is not to be believed."""
PEM_MAX = 1 << 15
"""Characters of one certificate."""
NO_END_NS = 2**63 - 1
"""The end of a validity whose end is not printed: later than any."""

_COMMAND = r"(?:[^|]{0,200}[|] *)?(?:(?:sudo|timeout \S+) )?openssl s_client(?: .*)?"
_CONNECT = re.compile(r"(?:^| )(?:-connect|-host) +(?P<target>\[[\da-fA-F:.]+\]|[^\s:]+)(?::(?P<port>\d{1,5}))?")
_PORT = re.compile(r" -port +(?P<port>\d{1,5})")
_DASHES = re.compile(r"\s*-* ?(?P<options>-connect \S+:\d+ .*)")

_CONNECTED = re.compile(r"\s*CONNECTED\(0")
_ENTRY = re.compile(r"\s*(?P<position>\d{1,3}) s:(?P<name>.*)")
_ISSUED = re.compile(r"\s*i:(?P<name>.*)")
_VALID = re.compile(r"\s*v:NotBefore: (?P<begin>[^;]+); NotAfter: (?P<end>.+)")
_BEGIN = re.compile(r"\s*(?:not ?before ?[=:]) ?(?P<time>.+)", re.I)
_END = re.compile(r"\s*(?:not ?after ?[=:]) ?(?P<time>.+)", re.I)
_SUBJECT = re.compile(r"\s*subject ?[=:] ?(?P<name>.*\S)", re.I)
_ISSUER = re.compile(r"\s*issuer ?[=:] ?(?P<name>.*\S)", re.I)
_NAMES = re.compile(r"\s*(?:DNS|othername):")
_DNS_NAME = re.compile(r"\bDNS:([^\s,]{1,255})")
_VERIFY_ERROR = re.compile(r"\s*verify error:num=(?P<code>\d{1,3}):(?P<why>.+)")
_DEPTH = re.compile(r"\s*depth=(?P<depth>\d{1,3})\b")
_VERIFIED = re.compile(r"\s*(?P<words>Verify return code: \d+ .*|Verification: OK|Verification error: .*)")
_CIPHER = re.compile(r"\s*New, .*Cipher is (?P<cipher>\S+)")
_NO_CERTIFICATE = re.compile(r"\s*no peer certificate available")
_NO_STARTTLS = re.compile(r"\s*didn't find STARTTLS in server response|.*STARTTLS not supported", re.I)
_REFUSALS = (
    ("refused", re.compile(r"\s*connect:errno=(?:111|61|10061)\b|.*connect.*Connection refused", re.I)),
    ("timeout", re.compile(r"\s*connect:errno=(?:110|60|10060)\b|.*connect.*timed out", re.I)),
    (
        "unresolved",
        re.compile(
            r".*(?:gethostbyname|getaddrinfo|BIO_lookup).*|.*(?:Name or service not known|nodename nor servname"
            r"|No address associated with hostname|Temporary failure in name resolution)",
            re.I,
        ),
    ),
    ("failed", re.compile(r"\s*connect:errno=\d+|\s*connect: .+")),
)
_BROKEN = re.compile(r".*:error:.*:(?:SSL|tls|RECORD) ?.*|\s*(?:write|read):errno=\d+|\s*SSL_connect:error", re.I)
_WHEN = r"\s*Start Time: (?P<time>\d{9,10})"
_PAIR = re.compile(r"(?P<type>[A-Za-z][\w.]*) ?= ?(?P<value>\"(?:[^\"]|\"\")*\"|(?:[^,+\\]|\\.)*)")


def _rfc4514(text: str) -> str:
    """A name as RFC 4514 has it, the most specific part first: `C = US, CN = x` and `/C=US/CN=x` → `CN=x,C=US`."""
    text = text.strip()
    if text.startswith("/"):
        parts = [part for part in re.split(r"/(?=[A-Za-z][\w.]*=)", text) if part]
        pairs = [(kind, value.replace(",", r"\,")) for kind, _, value in (p.partition("=") for p in parts)]
    else:
        found = [(m["type"], m["value"].strip()) for m in _PAIR.finditer(text)]
        pairs = [(k, v[1:-1].replace('""', '"').replace(",", r"\,") if v[:1] == '"' else v) for k, v in found]
    return ",".join(f"{kind}={value}" for kind, value in reversed(pairs))[:1024]


@dataclass(slots=True)
class _Certificate:
    """One of the chain, as far as printed."""

    line: int
    subject: str = ""
    issuer: str = ""
    begin_ns: int = 0
    end_ns: int = NO_END_NS
    names: list[str] = field(default_factory=list)
    der: bytes = b""


def _instant_ns(text: str, missing_ns: int) -> int:
    try:
        return Clock(How(zone="UTC")).read(text.strip())[0]
    except ValueError:
        return missing_ns


class _Output:
    """What one `s_client` printed, read in its order."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._chain: list[_Certificate] = []
        self._pem: list[str] | None = None
        self._depth = ""
        self._command = block.command
        self._time: str | None = None
        self._settings: list[tuple[int, str, str]] = []
        self._refused: tuple[int, str, str] | None = None
        self._connected: tuple[int, str] | None = None
        self._broken: tuple[int, str] | None = None
        self._empty: tuple[int, str] | None = None
        self._verified: tuple[int, str] | None = None
        self._cipher: tuple[int, str] | None = None
        self._secured = False

    def read(self, line: int, text: str) -> None:
        """Read a line."""
        if self._pem is not None:
            self._in_pem(text)
        elif "-----BEGIN CERTIFICATE-----" in text:
            self._pem = []
        elif found := _DASHES.match(text):
            self._command = self._command or found["options"]
        elif _CONNECTED.match(text):
            self._connected = self._connected or (line, text)
        elif (found := _ENTRY.match(text)) and len(self._chain) < CHAIN_MAX:
            self._chain.append(_Certificate(line, subject=found["name"]))
        elif self._chain and (found := _ISSUED.match(text)):
            self._chain[-1].issuer = found["name"]
        elif self._chain and (found := _VALID.match(text)):
            self._chain[-1].begin_ns = _instant_ns(found["begin"], 0)
            self._chain[-1].end_ns = _instant_ns(found["end"], NO_END_NS)
        elif found := _CIPHER.match(text):
            self._cipher = (line, text)
            self._secured = self._secured or "NONE" not in found["cipher"]
        elif found := _DEPTH.match(text):
            self._depth = found["depth"]
        elif found := _VERIFY_ERROR.match(text):
            told = f"{found['code']} {short(found['why'])}"
            self._settings.append((line, "verify error", f"{told} at depth {self._depth}" if self._depth else told))
        elif found := _VERIFIED.match(text):
            self._verified = self._verified or (line, found["words"])
        elif _NO_CERTIFICATE.match(text):
            self._empty = (line, text)
        elif found := re.match(_WHEN, text):
            self._time = self._time or found["time"]
        elif not self._leaf(line, text):
            self._failure(line, text)

    def _in_pem(self, text: str) -> None:
        assert self._pem is not None
        if "-----END" in text or sum(map(len, self._pem)) > PEM_MAX:
            try:
                der = base64.b64decode("".join(self._pem))
            except ValueError:
                der = b""
            # Behind `-showcerts` each stands below its names; else there is but one, that of the server.
            bare = [c for c in self._chain if not c.der]
            if bare and der:
                (self._chain[-1] if self._chain[0].der else bare[0]).der = der
            self._pem = None
        else:
            self._pem.append(text.strip())

    def _leaf(self, line: int, text: str) -> bool:
        """What `openssl x509` prints of the server's certificate, or s_client below the chain."""
        fields = ((_SUBJECT, "subject"), (_ISSUER, "issuer"), (_BEGIN, "begin"), (_END, "end"), (_NAMES, "names"))
        found, what = next(((m, what) for pattern, what in fields if (m := pattern.match(text))), (None, ""))
        if found is None:
            return False
        if not self._chain:
            self._chain.append(_Certificate(line))
        leaf = self._chain[0]
        if what == "subject":
            leaf.subject = leaf.subject or found["name"]
        elif what == "issuer":
            leaf.issuer = leaf.issuer or found["name"]
        elif what == "begin":
            leaf.begin_ns = leaf.begin_ns or _instant_ns(found["time"], 0)
        elif what == "end":
            leaf.end_ns = _instant_ns(found["time"], NO_END_NS) if leaf.end_ns == NO_END_NS else leaf.end_ns
        else:
            leaf.names += [domain(name) for name in _DNS_NAME.findall(text)]
        return True

    def _failure(self, line: int, text: str) -> None:
        if _NO_STARTTLS.match(text):
            self._broken = (line, text)
            return
        outcome = next((word for word, pattern in _REFUSALS if pattern.match(text)), None)
        if outcome is not None and self._connected is None:
            # The system's word for it may stand a line before the number.
            if self._refused is None or self._refused[1] == "failed":
                self._refused = (line, outcome, text)
        elif _BROKEN.match(text):
            self._broken = self._broken or (line, text)

    def told(self) -> Iterator[Told]:
        """The probe where its outcome is known, the chain, and what is wrong with it."""
        probe = self._probe()
        if probe is not None:
            yield probe
        for position, shown in enumerate(self._chain):
            yield self._certificate(position, shown)
        for line, name, value in self._settings:
            yield Told(line, Setting, {"name": name, "value": value}, self._time)

    def _probe(self) -> Told | None:
        target, port = self._target()
        # A chain is shown as well where the server then wants a certificate of the client.
        secured = self._secured or (bool(self._chain) and self._cipher is None)
        line, outcome, text = 0, "", ""
        if secured and self._empty is None:
            line, text = self._verified or self._connected or (self._block.line, "")
            outcome = "open"
        elif (failed := self._broken or self._empty or self._cipher) is not None:
            line, text = failed
            outcome = "failed"
        elif self._connected is not None:
            (line, text), outcome = self._connected, "open"
        elif self._refused is not None:
            line, outcome, text = self._refused
        if not outcome or not target:
            return None
        fields = {
            "tool": "openssl",
            "target": target,
            "target_ip": address(target),
            "port": port,
            "outcome": outcome,
            "prompt": self._block.host,
            "text": short(text),
        }
        return Told(line, Probe, fields, self._time)

    def _target(self) -> tuple[str, int]:
        found, port = _CONNECT.search(self._command), _PORT.search(self._command)
        if found is None:
            return "", 0
        number = int(found["port"] or (port["port"] if port else 0) or 4433)
        return found["target"].strip("[]"), number if number <= 65535 else 0

    def _certificate(self, position: int, shown: _Certificate) -> Told:
        subject = _rfc4514(shown.subject)
        names = shown.names or [domain(m) for m in re.findall(r"(?:^|,)CN=((?:[^,\\]|\\.)+)", subject)]
        fields: dict[str, object] = {
            "subject": subject,
            "issuer": _rfc4514(shown.issuer),
            "names": tuple(dict.fromkeys(names)),
            "not_before_ns": shown.begin_ns,
            "not_after_ns": shown.end_ns,
            "sha256": "",
        }
        with contextlib.suppress(ValueError):
            fields = certificate.fields(shown.der) if shown.der else fields
        place = {"position": position, "chain_len": len(self._chain)}
        return Told(shown.line, TlsCertificate, {**fields, **place}, self._time)


def _tells(block: Block) -> Iterator[Told]:
    """The probe and the chain of one command."""
    output = _Output(block)
    for number, text in block.lines:
        output.read(number, text)
    return output.told()


FORMAT = Transcript(
    name="openssl",
    title="openssl s_client, as typed at a prompt",
    explanation=(
        "Printed by `openssl s_client`, as a rule with `-starttls xmpp-server`: whether the port accepts, whether TLS "
        "comes up, and the certificates with what is wrong with them. Which stream error the peer sent it hides."
    ),
    reference="https://docs.openssl.org/master/man1/openssl-s_client/",
    commands=_COMMAND,
    begins=rf"{_CONNECTED.pattern}|\s*connect:errno=|{_VERIFY_ERROR.pattern}|\s*-+ -connect \S+:\d+ ",
    lines=(
        rf"{_ENTRY.pattern}|\s*[iav]:|{_DEPTH.pattern}|{_VERIFIED.pattern}|{_CIPHER.pattern}|{_NO_CERTIFICATE.pattern}"
        rf"|(?i:{_BEGIN.pattern}|{_END.pattern}|{_SUBJECT.pattern}|{_ISSUER.pattern})|{_NAMES.pattern}|{_WHEN}"
        r"|\s*-{3,}|\s*[A-Za-z\d+/=]{16,76}\s*$|[\dA-F]+:error:|\s*verify return:|\s*Certificate chain|\s*Server "
        r"|\s*(?:Peer sign|No client|Requested Sig|Shared |SSL|Secure Reneg|Compression:|Expansion:|No ALPN|Early|Max )"
        r"|\s*(?:Protocol|Cipher|Session-ID|Session-ID-ctx|Master-Key|Resumption PSK|PSK|SRP|Krb|TLS session|Timeout)\b"
        r"|\s*[\da-f]{4} - |\s*(?:Extended master|Post-Handshake|read R BLOCK|DONE|New, |Can't use|Acceptable |Negotia)"
    ),
    tells=_tells,
    when=_WHEN,
    free=True,
    sample=(
        "$ openssl s_client -connect 203.0.113.5:5269 -starttls xmpp-server -xmpphost example.com\n"
        "CONNECTED(00000003)\n"
        "depth=0 CN = example.com\n"
        "verify error:num=18:self-signed certificate\n"
        "---\n"
        "Certificate chain\n"
        " 0 s:CN = example.com\n"
        "   i:CN = example.com\n"
        "   v:NotBefore: Nov 22 10:32:01 2026 GMT; NotAfter: Dec 22 10:32:01 2026 GMT\n"
        "---\n"
        "Verify return code: 18 (self-signed certificate)\n"
    ),
)
