"""Manners that everything keeps: each rule, event class, machine and source file is walked, none is listed by hand.

What may deviate stands in an explicit list with its reason; an entry that is no longer needed fails as well.
"""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analyzer.machines
from analyzer import checklist, reach
from analyzer.judge import GENERAL, all_rules
from analyzer.machines import dialback, dns, flow, stream
from analyzer.machines.table import Machine
from parsers import events, ingest, jsonl
from parsers.events import CONDITIONS, EVENT_TYPES, Damage, Dialback, DnsAnswer, DnsQuery, Event, Said
from parsers.format import Format, Head
from parsers.logs.table import LogFormat
from parsers.source import How, Reading, Source
from parsers.transcripts.reader import Transcript
from tests.any_event import CLIENT, anything, variants
from tests.conftest import SHARED
from tests.markdown_cases import FENCE

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path.relative_to(CHECKOUT)
    for package in ("parsers", "analyzer")
    for path in (CHECKOUT / package).rglob("*.py")
    if path.name != "__init__.py"
)
RULES = all_rules()

# --- what may deviate, and why

FAMILIES = ("dns", "hosting", "network", "stream", "tls", "sasl", "dialback", "stanza", "evidence")
"""First words of rule names."""

NOT_YET_WRITTEN = frozenset({"stanza-roster-whitelist"})
"""Rules that others name as rivals and that no capture shows; docs/rules-not-from-captures.md gives the reasons."""

LONG: dict[str, str] = {
    "parsers/events.py": "the vocabulary: one list of plain classes, read by searching, and only whole in one place",
}
"""Files of more than `LINES_MAX` lines."""
LINES_MAX = 400
"""What can be read in one sitting."""

WITH_CASES = ("rules", "logs", "transcripts")
"""Folders whose files are tested by Markdown cases, which other tests demand."""
VERBS = "cli"
"""The folder whose files are tested as a user would: `tests/test_cli.py` and `tests/test_verbs.py`."""

TESTED_BY: dict[str, str] = {
    **dict.fromkeys(
        (
            "analyzer/attempt.py",
            "analyzer/attempts.py",
            "analyzer/clients.py",
            "analyzer/clocks.py",
            "analyzer/firewall.py",
            "analyzer/ladder.py",
            "analyzer/logs.py",
            "analyzer/threads.py",
            "analyzer/sighting.py",
            "analyzer/view.py",
        ),
        "tests/sessions",  # whole stories: what these make of events is told as timelines and verdicts
    ),
    **dict.fromkeys(
        (
            "analyzer/bounces.py",
            "analyzer/certificates.py",
            "analyzer/clouds.py",
            "analyzer/idleness.py",
        ),
        "tests/rules",  # what rules ask, and what becomes of their answers
    ),
    **dict.fromkeys(
        (
            "analyzer/batch/cases.py",
            "analyzer/batch/days.py",
            "analyzer/batch/inputs.py",
            "analyzer/batch/metrics.py",
            "analyzer/batch/outcome.py",
            "analyzer/batch/overview.py",
            "analyzer/batch/parquet.py",
            "analyzer/batch/results.py",
            "analyzer/batch/shared.py",
            "analyzer/batch/tally.py",
        ),
        "tests/analyzer/test_batch.py",  # an archive in, data sets out
    ),
    **dict.fromkeys(
        (
            "analyzer/batch/fingerprints.py",
            "analyzer/batch/kept.py",
            "analyzer/batch/run.py",
            "analyzer/batch/store.py",
            "analyzer/batch/work.py",
        ),
        "tests/analyzer/test_batch_again.py",  # a second run, a killed one, and every way in which one may end
    ),
    "analyzer/batch/aside.py": "tests/analyzer/test_ledger.py",
    "analyzer/batch/covered.py": "tests/analyzer/test_parts.py",
    "analyzer/batch/owned.py": "tests/analyzer/test_parts.py",
    **dict.fromkeys(
        ("analyzer/batch/bucket.py", "analyzer/batch/fetched.py", "analyzer/batch/places.py"),
        "tests/analyzer/test_elsewhere.py",  # whole runs over each kind of place
    ),
    "analyzer/side.py": "tests/analyzer/test_local.py",
    "analyzer/claims.py": "tests/test_claims.py",
    "analyzer/history.py": "tests/analyzer/test_connection.py",
    "analyzer/hops.py": "tests/analyzer/test_connection.py",
    "analyzer/resolution.py": "tests/test_resolution.py",
    "analyzer/machines/dialback.py": "tests/analyzer/test_machines.py",
    "analyzer/machines/dns.py": "tests/analyzer/test_machines.py",
    "analyzer/machines/flow.py": "tests/analyzer/test_machines.py",
    "analyzer/machines/stream.py": "tests/analyzer/test_machines.py",
    "analyzer/machines/table.py": "tests/analyzer/test_machines.py",
    "analyzer/reach.py": "tests/analyzer/test_checklist.py",
    "analyzer/signs.py": "tests/analyzer/test_checklist.py",
    "analyzer/analysis.py": "tests/test_cli.py",
    "parsers/events.py": "tests/test_house.py",
}
"""Sources without a test file of their own name, and where they are tested instead."""

NUMBERS = frozenset(
    {
        *("frame", "line", "txid", "rcode", "priority", "weight", "port", "src_port", "dst_port"),
        *("peer_port", "own_port"),
        *("ttl", "position", "attempt", "segments", "retransmitted", "stanzas", "lost"),
    }
)
"""Whole numbers of events that are no time and no length: they count, or they are numbers of a protocol."""
UNITS = ("_ns", "_s", "_bytes", "_len")
"""How names of times and lengths end."""
NO_NAMES = ("utils", "util", "helper", "helpers", "manager", "handler", "data", "info", "common", "misc")
"""File names that say nothing."""


# --- rules


def cases(name: str) -> Iterator[tuple[str, str, str]]:
    """Title, prose with fences, and expected findings of each case of a rule."""
    path = CHECKOUT / "tests" / "rules" / f"{name.replace('-', '_')}.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        findings = [f["body"] for f in FENCE.finditer(section) if f["info"].split()[0] == "findings"]
        if "```scene" in section:
            yield section.partition("\n")[0].strip(), section, "".join(findings)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_it_is_and_where_that_is_written(name: str) -> None:
    """Title, explanation, remedy and at least one source; the file's first line says the rule in one sentence."""
    rule = RULES[name]
    assert name.partition("-")[0] in FAMILIES
    assert rule.title.strip() and not rule.title.endswith(".")
    assert len(rule.explanation.split()) >= 10, "what happened, and why"
    assert rule.remedy.strip()
    assert rule.sources
    assert all(source.text.strip() for source in rule.sources)
    module = importlib.import_module(f"analyzer.rules.{name.replace('-', '_')}")
    assert (module.__doc__ or "").startswith("Rule: ")
    assert rule.predicate.__doc__


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_case_that_fires_and_a_near_miss(name: str) -> None:
    """A case fires when its findings name the rule; a near miss is much like it, and they do not."""
    found = list(cases(name))
    fires = [title for title, _, findings in found if name in findings.split()]
    misses = [title for title, _, findings in found if name not in findings.split()]
    assert fires, f"tests/rules/{name.replace('-', '_')}.md has no case that fires"
    assert misses, f"tests/rules/{name.replace('-', '_')}.md has no near miss"
    for title, section, _ in found:
        assert "```findings" in section, f"{title}: without expected findings a case proves nothing of the rule"
        if title.startswith("Near miss"):
            assert title in misses, f"{title}: a near miss that fires"


def test_every_file_of_cases_belongs_to_a_rule() -> None:
    """No cases are left behind by a rule that was renamed."""
    names = {path.stem.replace("_", "-") for path in (CHECKOUT / "tests" / "rules").glob("*.md")}
    assert names - set(RULES) == set()


def test_masks_name_rules_and_form_no_circle() -> None:
    """What a rule explains exists, and nothing explains itself by way of others."""
    unknown = {f"{name} masks {m}" for name, rule in RULES.items() for m in rule.masks if m not in RULES}
    assert unknown == set()
    for start in RULES:
        ways = [(start, mask) for mask in RULES[start].masks]
        seen: set[str] = set()
        while ways:
            way = ways.pop()
            assert way[-1] != start, f"a circle: {' explains '.join(way)}"
            if way[-1] not in seen:
                seen.add(way[-1])
                ways += [(*way, mask) for mask in RULES[way[-1]].masks]


def test_rivals_and_other_mentions_name_rules() -> None:
    """What the same signs would fit exists, or stands in the one list of what is not written yet."""
    named = {r for rule in RULES.values() for r in rule.rivals} | GENERAL
    named |= {*reach.TRANSLATION_RULES, *reach.SERVICE_RULES, *checklist.SETTING_RULES, *checklist.ELSEWHERE_RULES}
    assert named - set(RULES) - NOT_YET_WRITTEN == set()
    assert NOT_YET_WRITTEN & set(RULES) == set(), "written by now: take it off the list"
    assert NOT_YET_WRITTEN - named == set(), "nobody names it: take it off the list"
    assert all(name not in rule.rivals for name, rule in RULES.items()), "a rule is no rival of itself"


@pytest.mark.needs_shared
def test_rules_have_the_names_of_the_catalogue() -> None:
    """Other people's programs read rule names: each stands in the catalogue."""
    catalogue = set(re.findall(r"[a-z]+-[a-z0-9-]+", (SHARED / "faults.md").read_text(encoding="utf-8")))
    # What is the matter with the evidence has letters there, and no names.
    named = {name for name in set(RULES) | NOT_YET_WRITTEN if not name.startswith("evidence-")}
    assert named - catalogue == set()


# --- events


def fields_without_docstring(path: Path) -> Iterator[str]:
    """Fields of dataclasses and named tuples under which no docstring stands, as Class.field."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        made = ast.unparse(ast.Tuple(elts=[*node.decorator_list, *node.bases]))
        if "dataclass" not in made and "NamedTuple" not in made:
            continue
        for field, after in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = (
                    after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
                )
                if not isinstance(text, str) or not text.strip():
                    yield f"{node.name}.{field.target.id}"


def test_every_class_of_events_is_listed_and_explained() -> None:
    """`EVENT_TYPES` is the only list, and it is whole; each class has a docstring."""
    classes = {c for c in vars(events).values() if isinstance(c, type) and issubclass(c, Event) and c is not Event}
    assert set(EVENT_TYPES) == classes
    assert len(EVENT_TYPES) == len(classes)
    assert all((c.__doc__ or "").strip() and not (c.__doc__ or "").startswith(f"{c.__name__}(") for c in classes)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_docstring_stands_under_each_field(path: Path) -> None:
    """A reader of a public class learns what each field holds, in which unit."""
    assert list(fields_without_docstring(CHECKOUT / path)) == []


def test_names_of_times_and_lengths_end_in_their_unit() -> None:
    """`at_ns`, `ttl_s`, `bytes_len`: an int without a unit is a count or a protocol's number, and listed as such."""
    tree = ast.parse((CHECKOUT / "parsers/events.py").read_text(encoding="utf-8"))
    ints = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and re.fullmatch(r"int( \| None)?", ast.unparse(node.annotation))
    }
    assert {n for n in ints if not n.endswith(UNITS)} == NUMBERS & ints
    assert ints >= NUMBERS, "no event has it any more: take it off the list"
    assert "float" not in ast.unparse(tree).replace("never a float", "")


@pytest.mark.parametrize("kind", EVENT_TYPES)
@settings(deadline=None)  # the first draw of a class works out its fields
@given(data=st.data())
def test_an_event_survives_json_and_pickle(kind: type[Event], data: st.DataObject) -> None:
    """Whatever its fields hold: equal after a round trip, the same line again, and fit to be a member of a set."""
    event = data.draw(anything(kind))
    line = jsonl.line(event)
    assert "\n" not in line
    back = jsonl.event(line)
    assert back == event
    assert jsonl.line(back) == line
    assert pickle.loads(pickle.dumps(event)) == event
    assert len({event, back}) == 1


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_each_closed_choice_of_an_event_survives_json(kind: type[Event]) -> None:
    """Every Literal, every flag and every None, once."""
    for event in islice(variants(kind), 1000):
        assert jsonl.event(jsonl.line(event)) == event


# --- machines


def machines() -> Iterator[type[Machine]]:
    """Every machine of the package."""
    for found in pkgutil.iter_modules(analyzer.machines.__path__):
        module = importlib.import_module(f"analyzer.machines.{found.name}")
        for thing in vars(module).values():
            own = isinstance(thing, type) and issubclass(thing, Machine) and thing.__module__ == module.__name__
            if own and thing is not Machine:
                yield thing


MACHINES = list(machines())


def test_the_four_machines_are_found() -> None:
    """The walk walks: a machine that it does not see is not held to anything."""
    assert {m.NAME for m in MACHINES} == {"dns", "flow", "stream", "dialback"}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_be_reached(machine: type[Machine]) -> None:
    """From the first state, by signals of the table, one comes to every state that it names."""
    seen, frontier = {machine.START}, [machine.START]
    while frontier:
        for target in (*machine.TABLE.get(frontier.pop(), {}).values(), *machine.ANYWHERE.values()):
            if target and target not in seen:
                seen.add(target)
                frontier.append(target)
    assert machine.states() - seen == set()


def signals(machine: type[Machine]) -> set[str]:
    """Every signal that events can give a machine."""
    all_events = [e for kind in EVENT_TYPES for e in variants(kind)]
    match machine.NAME:
        case "dns":
            return {dns.signal(e) for e in all_events if isinstance(e, DnsQuery | DnsAnswer)}
        case "flow":
            return {flow.signal(e, CLIENT) for e in all_events}
        case "stream":
            return {word for e in all_events if (word := stream.signal(e, CLIENT)) is not None}
        case _:
            return {dialback.signal(e) for e in all_events if isinstance(e, Dialback)}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_table_knows_only_signals_that_events_give(machine: type[Machine]) -> None:
    """A row for a signal that nothing can give is a row that lies."""
    named = {signal for row in machine.TABLE.values() for signal in row} | set(machine.ANYWHERE)
    assert named - signals(machine) == set()


# --- formats

LOGS = [known for known in ingest.formats() if isinstance(known, LogFormat)]


@pytest.mark.parametrize("known", ingest.formats(), ids=lambda known: known.name)
def test_a_format_says_what_it_is_and_where_that_is_written(known: Format) -> None:
    """Title, explanation and reference; its name is its file's."""
    assert known.title.strip() and not known.title.endswith(".")
    assert len(known.explanation.split()) >= 8, "who writes it, and what it leaves out"
    assert known.reference.strip()


@pytest.mark.parametrize("known", LOGS, ids=lambda known: known.name)
def test_a_log_format_has_samples_and_reads_them(known: LogFormat, tmp_path: Path) -> None:
    """Each sample becomes the event that it names, without damage."""
    assert known.samples
    for sample in known.samples:
        path = tmp_path / "sample.log"
        path.write_text(sample.line + "\n", encoding="utf-8")
        how = How(near_ns=1_378_458_840 * 10**9, everything=True)
        read = list(known.read(Source(name="sample.log", path=path, format=known.name), how, Reading()))
        assert not [e for e in read if isinstance(e, Damage)], sample.line
        assert type(read[0]).__name__ == sample.kind, sample.line
        said = next((e for e in read if isinstance(e, Said)), None)
        if sample.topic is not None:
            assert said is not None, sample.line
            assert (said.topic, said.condition) == (sample.topic, sample.condition), sample.line


@pytest.mark.parametrize("known", LOGS, ids=lambda known: known.name)
def test_a_log_format_wins_on_its_own_samples(known: LogFormat) -> None:
    """All samples together are taken for no other format's."""
    data = "\n".join(s.line for s in known.samples).encode() + b"\n"
    chosen, _ = ingest.choose(Head(path=Path("sample.log"), raw=data, data=data))
    assert chosen.name == known.name


@pytest.mark.parametrize("known", LOGS, ids=lambda known: known.name)
def test_a_log_format_speaks_the_vocabulary(known: LogFormat) -> None:
    """Conditions are those of the topic; groups of patterns are fields of `Said`."""
    fields = set(Said.__dataclass_fields__) | {"xml", "peer_domain"}
    for says in known.says:
        assert says.condition is None or says.condition in CONDITIONS[says.topic], says
        if says.tells is None:
            assert set(re.compile(says.pattern).groupindex) <= fields, says
    for reason in known.reasons:
        assert reason.condition is None or reason.condition in CONDITIONS[reason.topic], reason


@pytest.mark.parametrize("known", LOGS, ids=lambda known: known.name)
def test_a_log_format_is_what_its_forms_say_one_by_one(known: LogFormat) -> None:
    """The one expression of all forms, with their leads tried once, finds the form that the first match finds."""
    patterns = [re.compile(says.pattern, re.S) for says in known.says]
    for line in (CHECKOUT / "tests" / "formats" / f"{known.name}.md").read_text(encoding="utf-8").splitlines():
        header = known.match(line)
        text = line if header is None else header[0]["text"]
        first = next((says for says, pattern in zip(known.says, patterns, strict=True) if pattern.match(text)), None)
        told = known.told(text)
        assert (told and told[0]) is first, line
    for lead in known.leads:
        neighbours = [says.pattern.startswith(lead) for says in known.says]
        assert any(a and b for a, b in pairwise(neighbours)), lead


@pytest.mark.parametrize("known", LOGS, ids=lambda known: known.name)
def test_a_log_format_has_its_cases(known: LogFormat) -> None:
    """`tests/formats/NAME.md`: lines in, events out."""
    path = CHECKOUT / "tests" / "formats" / f"{known.name}.md"
    assert path.is_file() and f"```{known.name}" in path.read_text(encoding="utf-8")


# --- transcripts

TRANSCRIPTS = [known for known in ingest.formats() if isinstance(known, Transcript)]
"""The formats of programs that people run at a prompt."""


@pytest.mark.parametrize("known", TRANSCRIPTS, ids=lambda known: known.name)
def test_a_transcript_wins_on_its_own_sample_and_reads_it(known: Transcript, tmp_path: Path) -> None:
    """It is taken for no other format's, and becomes events, without damage."""
    data = known.sample.encode()
    path = tmp_path / "paste.txt"
    path.write_bytes(data)
    chosen, _ = ingest.choose(Head(path=path, raw=data, data=data))
    assert chosen.name == known.name
    read = list(known.read(Source(name="paste.txt", path=path, format=known.name), How(), Reading()))
    assert read
    assert not [e for e in read if isinstance(e, Damage)]


@pytest.mark.parametrize("name", [*(known.name for known in TRANSCRIPTS), "transcript"])
def test_a_transcript_has_its_cases(name: str) -> None:
    """`tests/formats/NAME.md`: a paste in, events out."""
    path = CHECKOUT / "tests" / "formats" / f"{name}.md"
    assert path.is_file() and f"```{name}" in path.read_text(encoding="utf-8")


# --- source files


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    """Its docstring; its name is a word of the field."""
    docstring = ast.get_docstring(ast.parse((CHECKOUT / path).read_text(encoding="utf-8")))
    assert docstring and docstring.split("\n")[0].strip()
    assert path.stem not in NO_NAMES


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parent.name not in (*WITH_CASES, VERBS)], ids=str)
def test_a_file_has_its_tests(path: Path) -> None:
    """`tests/PACKAGE/test_NAME.py`; else the list says where."""
    own = CHECKOUT / "tests" / path.parts[0] / f"test_{path.stem}.py"
    elsewhere = TESTED_BY.get(path.as_posix())
    if elsewhere is None:
        assert own.is_file(), f"{own.relative_to(CHECKOUT)} is missing"
    else:
        assert (CHECKOUT / elsewhere).exists()


def test_a_file_can_be_read_in_one_sitting() -> None:
    """At most `LINES_MAX` lines, unless the list gives the reason."""
    lines = {path.as_posix(): len((CHECKOUT / path).read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: n for path, n in lines.items() if n > LINES_MAX and path not in LONG} == {}
    assert {path for path in LONG if lines.get(path, 0) <= LINES_MAX} == set(), "short by now: take it off the list"


def test_the_lists_of_exceptions_name_files_that_exist() -> None:
    """An exception outlives neither its file nor its need."""
    known = {path.as_posix() for path in SOURCES}
    assert set(TESTED_BY) - known == set()
    for name in TESTED_BY:
        path = Path(name)
        own = CHECKOUT / "tests" / path.parts[0] / f"test_{path.stem}.py"
        if path.parent.name not in ("machines",):
            assert not own.exists(), f"{name} has its own test file by now: take it off the list"
