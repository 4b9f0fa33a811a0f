"""Rules, formats, tables and the guide's steps as Markdown: the page of one, and those of all.

Prints nothing and knows no case.
In a checkout the cases of `tests/rules/` serve as examples for who wants them;
an installed package has none, and its pages do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from analyzer.checklist import STEPS, Step
from analyzer.citations import cisco
from analyzer.judge import all_rules
from analyzer.report.tables import TABLES, Table
from analyzer.rule import Rule
from parsers.errors import FedtraceError
from parsers.format import Format
from parsers.ingest import formats

CASES = Path(__file__).resolve().parents[1] / "tests" / "rules"
"""Where a checkout keeps the cases."""
GUIDE_PARTS = {"config": "configuration", "verify": "verification", "trouble": "troubleshooting"}
"""What the parts of the guide are called, by the first word of a step's name."""
NEAR_MAX = 3
"""How many near names an unknown one brings up."""
_SECTION = re.compile(r"^## ", re.M)
_EXPECTATION = re.compile(r"^```(?:findings|verdicts|timeline)[^\n]*\n.*?^```\n?", re.M | re.S)


def names() -> list[str]:
    """All that can be explained: rules, formats, tables, steps of the guide."""
    return [*all_rules(), *(form.name for form in formats()), *TABLES, *(step.name for step in STEPS)]


def explain(name: str, *, cases: bool = False) -> str:
    """The page of one rule, with its cases where they are wanted, of one format, of one table, or of one step of the
    guide.

    Raises FedtraceError, with near names, for a name that nothing has.
    """
    rules = all_rules()
    if name in rules:
        return "\n".join([*_page(name, rules[name]), *(_examples(name) if cases else ())])
    for form in formats():
        if form.name == name:
            return "\n".join(_format_page(form))
    if name in TABLES:
        return "\n".join(_table_page(name, TABLES[name]))
    for step in STEPS:
        if step.name == name:
            return "\n".join(_step_page(step))
    raise FedtraceError(name, "no rule, format, table or step of the checklist has this name", _near(name, names()))


def pages() -> dict[str, str]:
    """Every page by its path below `docs/`, the lists of all rules and formats among them."""
    found = {f"rules/{name}.md": explain(name) for name in all_rules()}
    found |= {f"formats/{form.name}.md": explain(form.name) for form in formats()}
    found["rules/README.md"] = f"# Rules\n\n{rule_table('')}"
    found["formats/README.md"] = f"# Formats\n\n{format_table()}"
    found["tables.md"] = "\n".join(
        [
            "# Tables\n",
            "What a `Trace` has as DataFrames and `-o DIR/` writes as CSV; the index of a DataFrame is in bold.\n"
            "In CSV an instant is ISO 8601 text, and a duration whole nanoseconds in a column that ends in `_ns`.\n",
            *(line for name, table in TABLES.items() for line in _table_page(name, table, depth=2)),
        ]
    )
    return found


def rule_table(folder: str | None = None) -> str:
    """All rules by name, as a Markdown table; with `folder`, where their pages are, each name is a link."""
    rows = ["| name | title | stage | owner |", "|---|---|---|---|"]
    for name, rule in all_rules().items():
        linked = f"`{name}`" if folder is None else f"[`{name}`]({folder}{name}.md)"
        cells = (linked, rule.title, rule.stage.word, rule.owner.value)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def format_table() -> str:
    """All formats by name, as a Markdown table with links to their pages."""
    rows = ["| name | title |", "|---|---|"]
    rows += [f"| [`{form.name}`]({form.name}.md) | {form.title} |" for form in formats()]
    return "\n".join(rows) + "\n"


def _near(name: str, names: Sequence[str]) -> str:
    """What the user can do about an unknown name."""
    asked = name.lower().replace("_", "-")
    near = get_close_matches(asked, names, n=NEAR_MAX)
    near += [n for n in names if asked and asked in n and n not in near][: NEAR_MAX - len(near)]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}`fedtrace rules` and `fedtrace formats` list them"


def _page(name: str, rule: Rule) -> Iterator[str]:
    """Title, what happened, what to do, what else it may be, and where it is written."""
    yield f"# {rule.title}\n"
    yield f"`{name}` · stage {rule.stage.word} · {rule.severity.name.lower()} · owner {rule.owner.value}\n"
    yield f"{rule.explanation.strip()}\n"
    yield f"## What to do\n\n{rule.remedy.strip()}\n"
    if rule.said or rule.firewall:
        yield "## How logs say it\n"
        yield from _log_signs(rule)
        yield ""
    if rule.rivals:
        yield from _names("What else shows the same signs", rule.rivals)
    if rule.masks:
        yield from _names("What it explains", rule.masks)
    yield "## Sources\n"
    yield from (f"- {source}" for source in rule.sources)
    yield ""


def _log_signs(rule: Rule) -> Iterator[str]:
    """What of a server's or a firewall's log is a sign, in the words of events: the same for every program."""
    for said in rule.said:
        yield f"- a server's log: {said.topic.value}, for the reason {' or '.join(said.conditions)}"
    for line in rule.firewall:
        ids = f", message {', '.join(line.ids)}" if line.ids else ""
        way = {"in": " of a connection to our side", "out": " of a connection that our side opens", "": ""}[line.way]
        yield f"- a firewall's log: {line.action}{way}{ids}" + (f", with `{line.reason}`" if line.reason else "")


def _format_page(form: Format) -> Iterator[str]:
    """Title, who writes it and what it leaves out, and where it is defined."""
    yield f"# {form.title}\n"
    yield f"`{form.name}`\n"
    yield f"{form.explanation.strip()}\n"
    yield f"Defined by: {form.reference}\n"


def _step_page(step: Step) -> Iterator[str]:
    """The question, what the guide has one do, what answers it, and where in the guide it stands."""
    part, _, number = step.name.partition("-")
    yield f"# {step.question}\n"
    yield f"`{step.name}` · a step of the checklist\n"
    yield f"{step.guide}\n"
    yield f"## What answers it\n\n{step.answered_by}\n"
    yield f"## Sources\n\n- {cisco('116339', f'{GUIDE_PARTS[part]}, step {number}')}\n"


def _table_page(name: str, table: Table, depth: int = 1) -> Iterator[str]:
    """What a row is, and each column with its kind and a sentence."""
    yield f"{'#' * depth} {name}\n"
    yield f"A row is {table.says}.\n"
    yield "| column | holds | says |"
    yield "|---|---|---|"
    for column in table.columns:
        holds = f"one of {', '.join(column.order)}, in this order" if column.order else column.kind
        shown = f"**`{column.name}`**" if column.name in table.key else f"`{column.name}`"
        yield f"| {shown} | {holds} | {column.says} |"
    yield ""


def _names(heading: str, names: Sequence[str]) -> Iterator[str]:
    """A section that lists rules, with the titles of those that exist."""
    rules = all_rules()
    yield f"## {heading}\n"
    for name in names:
        yield f"- `{name}`" + (f": {rules[name].title}" if name in rules else "")
    yield ""


def _examples(name: str) -> Iterator[str]:
    """The cases of a checkout: prose and scenes, without what tests expect of them."""
    path = CASES / f"{name.replace('-', '_')}.md"
    if not path.is_file():
        return
    sections = [s for s in _SECTION.split(path.read_text(encoding="utf-8"))[1:] if "```scene" in s]
    if sections:
        yield "## Examples\n"
        yield from (f"### {_EXPECTATION.sub('', section).strip()}\n" for section in sections)
