"""Rules as Markdown: the page of one, and the table of all. Prints nothing and knows no case.

In a checkout the cases of `tests/rules/` serve as examples for who wants them;
an installed package has none, and its pages do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from analyzer.judge import all_rules
from analyzer.rule import Rule
from parsers.errors import FedtraceError

CASES = Path(__file__).resolve().parents[1] / "tests" / "rules"
"""Where a checkout keeps the cases."""
NEAR_MAX = 3
"""How many near names an unknown one brings up."""
_SECTION = re.compile(r"^## ", re.M)
_EXPECTATION = re.compile(r"^```(?:findings|verdicts|timeline)[^\n]*\n.*?^```\n?", re.M | re.S)


def explain(name: str, *, cases: bool = False) -> str:
    """The page of one rule, with its cases where they are wanted.

    Raises FedtraceError, with near names, for a name that no rule has.
    """
    rules = all_rules()
    rule = rules.get(name)
    if rule is None:
        raise FedtraceError(name, "no rule has this name", _near(name, list(rules)))
    return "\n".join([*_page(name, rule), *(_examples(name) if cases else ())])


def rule_table() -> str:
    """All rules by name, as a Markdown table."""
    rows = ["| name | title | stage | owner |", "|---|---|---|---|"]
    for name, rule in all_rules().items():
        cells = (f"`{name}`", rule.title, rule.stage.word, rule.owner.value)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _near(name: str, names: Sequence[str]) -> str:
    """What the user can do about an unknown name."""
    asked = name.lower().replace("_", "-")
    near = get_close_matches(asked, names, n=NEAR_MAX)
    near += [n for n in names if asked and asked in n and n not in near][: NEAR_MAX - len(near)]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}`fedtrace rules` lists them all"


def _page(name: str, rule: Rule) -> Iterator[str]:
    """Title, what happened, what to do, what else it may be, and where it is written."""
    yield f"# {rule.title}\n"
    yield f"`{name}` · stage {rule.stage.word} · {rule.severity.name.lower()} · owner {rule.owner.value}\n"
    yield f"{rule.explanation.strip()}\n"
    yield f"## What to do\n\n{rule.remedy.strip()}\n"
    if rule.rivals:
        yield from _names("What else shows the same signs", rule.rivals)
    if rule.masks:
        yield from _names("What it explains", rule.masks)
    yield "## Sources\n"
    yield from (f"- {source}" for source in rule.sources)
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
