"""`nslookup`, BIND's and Windows', one-shot and interactive, in any language of Windows.

It says which server was asked; a server's name that cannot be found is no failure of the question. Localised output is
read by what stays English: `Address:`, `SRV service location:`, `svr hostname`, and the reason behind a failure.
Ids and instants it does not tell. Grammar: bin/dig/nslookup.c; Windows Server's command reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from parsers.names import domain
from parsers.transcripts.lookups import RCODES, UNREACHED, Lookup, record
from parsers.transcripts.reader import Block, Told, Transcript, address

_INNER = re.compile(r"\s*>(?:\s+(?P<typed>.*?))?\s*$")
_SET = re.compile(r"\s*set\s+(?:q|qu|query|querytype|t|ty|type)=(?P<type>\w{1,16})\s*$", re.I)
_OPTION = re.compile(r"-(?:q|qu|query|querytype|t|ty|type)=(?P<type>\w{1,16})", re.I)
_SERVER = re.compile(r"(?:l?server)\s+(?P<server>\S+)", re.I)
_WORDS = re.compile(r"(?:set|exit|quit|help|\?|ls|root|finger|view|no\w+)\b", re.I)
"""What is typed and is no name."""

_LABEL = re.compile(r"\s*(?P<label>[^\s:;*>][^:;*>]{0,40}?)\s?:\s+(?P<value>[^\s=]+)\s*$")
_ADDRESS = re.compile(r"\s*Address(?:es)?:\s+(?P<ip>[\da-fA-F.:%]{2,64}?)(?:#\d+)?\s*$")
_MORE = re.compile(r"\s+(?P<ip>[\da-fA-F]*[.:][\da-fA-F.:]+)\s*$")
_NOT_AUTHORITATIVE = re.compile(r"\s*[^\s:;*>][^:;*>]{3,80}:\s*$")
"""`Non-authoritative answer:` in whatever language: a line that ends with its colon, before any record."""
_AUTHORITY = re.compile(r"\s*Authoritative answers can be found from:")

_RECORD = re.compile(
    r"\s*(?P<name>[\w.*-]+)\s+(?:"
    r"service\s+= (?P<srv>\d{1,5} +\d{1,5} +\d{1,5} +\S+)"
    r"|canonical name = (?P<cname>\S+)"
    r"|nameserver = (?P<ns>\S+)"
    r"|MX preference = \d+, mail exchanger = (?P<mx>\S+)|mail exchanger = (?P<mx2>\d+ \S+)"
    r"|internet address = (?P<a>\S+)"
    r"|(?:AAAA IPv6 address =|has AAAA address) (?P<aaaa>\S+)"
    r"|text =\s*(?P<txt>.*)"
    r")\s*$"
)
_WINDOWS_SRV = re.compile(r"\s*(?P<name>[\w.*-]+)\s+SRV service location:")
_WINDOWS_FIELD = re.compile(r"\s+(?P<field>priority|weight|port|svr hostname)\s+= (?P<value>\S+)\s*$")
_SOA = re.compile(r"\s+(?:origin|primary name server) = ")
_SOA_FIELD = re.compile(
    r"\s+(?:origin|primary name server|mail addr|responsible mail addr|serial|refresh|retry|expire|minimum|default TTL)"
    r"\s+= "
)

_UNIX_FAILED = re.compile(r"\s*\*\* server can't find (?P<name>[^\s:]+): (?P<rcode>\w+)")
_NO_ANSWER = re.compile(r"\s*\*\*\* Can't find (?P<name>[^\s:]+): No answer")
_FAILED = re.compile(
    r"\s*\*\*\* .*?: (?P<reason>Non-existent (?:host/)?domain|Server failed|Query refused|No response from server"
    r"|Timed out|Format error|Not implemented|Unspecified error)\.?\s*$",
    re.I,
)
_REASONS = {
    **{"non-existent domain": 3, "non-existent host/domain": 3, "server failed": 2, "query refused": 5},
    **{"format error": 1, "not implemented": 4},
}
_NODATA = re.compile(r"\s*\*\*\* .*[(](?:SRV|A|AAAA|A\+AAAA|MX|NS|CNAME|TXT)[)].*")
_TIMED_OUT = re.compile(r"\s*\*\*\* Request to \S+ timed-out")
_GOT = re.compile(r"\s*;; Got \w+ reply from (?P<server>[^\s,#]+)")


class _Session:
    """What one `nslookup` was asked and answered, read in its order."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._type = "A"
        self._resolver: str | None = None
        self._held: Lookup | None = None
        self._done: list[Lookup] = []
        self._label: re.Match[str] | None = None
        self._server_label: str | None = None
        self._server_seen = False
        self._in_answer = True
        self._cached = False
        self._srv: dict[str, Any] = {}
        self._command(block.line, block.command)

    def _command(self, line: int, command: str) -> None:
        """The command line: options, a name and a server."""
        words = []
        for word in command.split()[1:]:
            if found := _OPTION.fullmatch(word):
                self._type = found["type"].upper()
            elif not word.startswith("-"):
                words.append(word)
        if "-" in command.split() and words:
            self._resolver = words[-1]
        elif words:
            self._ask(line, words)

    def _ask(self, line: int, words: list[str]) -> None:
        """A name was typed, with a server behind it or not."""
        self._close()
        resolver = words[1] if len(words) > 1 else self._resolver
        self._held = self._new(line, words[0], resolver)

    def _new(self, line: int, name: str, resolver: str | None = None) -> Lookup:
        return Lookup(
            line=line,
            name=name,
            rrtype="A" if self._type == "A+AAAA" else self._type,
            resolver=resolver or self._resolver,
            client_ip=self._block.client_ip,
        )

    def _close(self) -> None:
        """What was asked is answered or never will be."""
        self._end_srv()
        if self._held is not None:
            self._done.append(self._held)
        self._held, self._label = None, None
        self._server_seen, self._in_answer, self._cached = False, True, False

    def _answered(self, line: int, name: str | None) -> Lookup | None:
        """The question that a line answers; one that only its answer tells where none was typed."""
        if self._held is None and name:
            self._held = self._new(line, name)
        return self._held

    def read(self, line: int, text: str) -> None:
        """Read a line."""
        typed = _INNER.match(text)
        if typed is not None or _SET.match(text):
            self._typed(line, (typed["typed"] or "") if typed else text.strip())
            return
        label, self._label = self._label, None
        if self._srv and (found := _WINDOWS_FIELD.match(text)):
            self._srv[found["field"]] = found["value"]
            return
        self._end_srv()
        if found := _ADDRESS.match(text):
            self._address(line, found["ip"], label)
        elif found := _LABEL.match(text):
            self._label = found
            if self._server_seen and found["label"] == self._server_label:
                self._close()
        elif (found := _MORE.match(text)) and self._held is not None and self._held.records:
            self._add(line, self._held.records[-1].name, "AAAA" if ":" in found["ip"] else "A", found["ip"])
        elif found := _WINDOWS_SRV.match(text):
            self._srv = {"line": line, "name": found["name"]}
        elif not self._failed(line, text):
            self._record(line, text)

    def _typed(self, line: int, typed: str) -> None:
        """Something was typed at nslookup's own prompt."""
        if found := _SET.match(typed):
            self._close()
            self._type = found["type"].upper()
        elif found := _SERVER.match(typed):
            self._close()
            self._resolver = found["server"]
        elif typed and not _WORDS.match(typed):
            self._ask(line, typed.split())
        else:
            self._close()

    def _address(self, line: int, ip: str, label: re.Match[str] | None) -> None:
        """An address: of the server that answers, or of the name that was asked for."""
        name = label is not None and label["label"].lower() == "name"
        if not self._server_seen and not name:
            self._server_seen = True
            self._server_label = label["label"] if label else self._server_label
            self._resolver = ip
            if self._held is not None:
                self._held.resolver = ip
        elif label is not None:
            self._add(line, label["value"], "AAAA" if ":" in ip else "A", ip)

    def _failed(self, line: int, text: str) -> bool:
        """Whether a line says that no record came, and why."""
        if (found := _UNIX_FAILED.match(text)) and (lookup := self._answered(line, found["name"])):
            # With a search list, the last name that was tried.
            lookup.name = found["name"]
            lookup.answered(line, RCODES.get(found["rcode"], -1))
        elif (found := _NO_ANSWER.match(text)) and (lookup := self._answered(line, found["name"])):
            lookup.answered(line, 0)
        elif found := _FAILED.match(text):
            # Of the server's own name it says the same; that is no matter.
            names = [word.strip("'\":,") for word in text.split() if "." in word and not address(word.strip(":"))]
            lookup = self._answered(line, names[-1] if names and "._" in names[-1] else None)
            if lookup is not None and domain(lookup.name) in (domain(name) for name in names):
                code = _REASONS.get(found["reason"].lower())
                if code is None:
                    lookup.unanswered = lookup.rcode is None
                else:
                    lookup.answered(line, code)
        elif _NODATA.match(text) and self._held is not None:
            self._held.answered(line, 0)
        elif _TIMED_OUT.match(text) and self._held is not None:
            self._held.unanswered = self._held.rcode is None
        elif found := UNREACHED.match(text):
            if self._held is not None:
                self._held.resolver = found["server"] or self._held.resolver
                self._held.unanswered = self._held.rcode is None
        elif found := _GOT.match(text):
            self._resolver = found["server"]
        else:
            return False
        return True

    def _record(self, line: int, text: str) -> None:
        """A record, or what introduces some."""
        if _AUTHORITY.match(text):
            self._in_answer = False
        elif found := _RECORD.match(text):
            kinds = {"SRV": "srv", "CNAME": "cname", "NS": "ns", "A": "a", "AAAA": "aaaa", "TXT": "txt"}
            kind = next((k for k, group in kinds.items() if found[group]), "MX")
            data = found[kinds[kind]] if kind in kinds else (found["mx"] or found["mx2"])
            self._add(line, found["name"], kind, data or "")
        elif _SOA.match(text) and self._held is not None and self._held.rcode is None:
            # The zone's SOA in the place of an answer: there is the name, and no such record (RFC 2308 section 2.2).
            self._held.answered(line, 0)
        elif _NOT_AUTHORITATIVE.match(text):
            self._cached = True

    def _add(self, line: int, name: str, kind: str, data: str) -> None:
        """A record of the answer, or an address beside it; records of the authority section are not kept."""
        lookup = self._held
        own = lookup is None or kind == lookup.rrtype or (lookup.rrtype == "A" and kind in ("AAAA", "CNAME"))
        if self._in_answer and (own or kind == "CNAME"):
            if lookup is None:
                lookup = self._held = self._new(line, name)
                lookup.rrtype = kind if kind == "SRV" else lookup.rrtype
            if not lookup.records:
                lookup.authoritative = self._server_seen and not self._cached
            lookup.add(line, record(name, kind, data))
        elif lookup is not None and lookup.rcode is not None and kind in ("A", "AAAA"):
            beside = record(name, kind, data, section="additional")
            if beside is not None:
                lookup.add(line, beside)

    def _end_srv(self) -> None:
        """The four lines of a record of Windows are read."""
        srv, self._srv = self._srv, {}
        if srv:
            data = " ".join(srv.get(f, "?") for f in ("priority", "weight", "port", "svr hostname"))
            self._add(srv["line"], srv["name"], "SRV", data)

    def told(self) -> Iterator[Told]:
        """Every question and its answer."""
        self._close()
        for lookup in self._done:
            six = [r for r in lookup.records if r.rrtype == "AAAA" and r.section == "answer"]
            if lookup.rrtype == "A" and six:
                # Without a type it asks for both.
                both = Lookup(line=lookup.line, name=lookup.name, rrtype="AAAA", resolver=lookup.resolver)
                both.client_ip, both.answer_line, both.rcode = lookup.client_ip, lookup.answer_line, 0
                both.authoritative = lookup.authoritative
                both.records = [r for r in lookup.records if r in six or r.rrtype == "CNAME"]
                lookup.records = [r for r in lookup.records if r not in six]
                if any(r.rrtype == "A" for r in lookup.records):
                    yield from lookup.told()
                yield from both.told()
            else:
                yield from lookup.told()


def _tells(block: Block) -> Iterator[Told]:
    """The questions of one session and their answers."""
    session = _Session(block)
    for number, text in block.lines:
        session.read(number, text)
    return session.told()


FORMAT = Transcript(
    name="nslookup",
    title="nslookup, as typed at a prompt",
    explanation=(
        "Printed by nslookup on Unix or Windows, interactive or not, in any language: which server was asked and what "
        "it answered. It tells neither when, nor whether an answer that is missing was still to come."
    ),
    reference="https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/nslookup",
    commands=r"(?i:nslookup)(?:\.exe)?(?: +[^\s|<>]{1,255}){0,8}",
    begins=(
        r"\s*(?:Default )?Server:\s+\S+\s*$|\s*\*\* server can't find |\s*\*\*\* Can't find \S+: No answer"
        rf"|{_WINDOWS_SRV.pattern}|\s*[\w.*-]+\s+service\s+= \d+ +\d+ +\d+ |{_ADDRESS.pattern}"
        rf"|{_TIMED_OUT.pattern}|\s*DNS request timed out\.|{_GOT.pattern}"
    ),
    lines=(
        rf"{_LABEL.pattern}|{_MORE.pattern}|{_NOT_AUTHORITATIVE.pattern}|{_RECORD.pattern}|{_WINDOWS_FIELD.pattern}"
        rf"|{_SOA_FIELD.pattern}|\s*\*\*\* |{UNREACHED.pattern}|\s+timeout was \d+ seconds"
        r"|\s*[\w.-]+\.[\w-]+\s*$|\s*set \w+|\s*(?:exit|quit)\s*$|\s*;; "
    ),
    inner=_INNER.pattern,
    tells=_tells,
    sample=(
        "C:\\>nslookup\n"
        "Default Server:  UnKnown\n"
        "Address:  10.10.0.53\n"
        "\n"
        "> set type=SRV\n"
        "> _xmpp-server._tcp.example.net\n"
        "Server:  UnKnown\n"
        "Address:  10.10.0.53\n"
        "\n"
        "_xmpp-server._tcp.example.net   SRV service location:\n"
        "          priority       = 5\n"
        "          weight         = 0\n"
        "          port           = 5269\n"
        "          svr hostname   = xmpp.example.net\n"
        ">\n"
    ),
)
