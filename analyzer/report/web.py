"""Templates filled: one file that needs neither network nor script, to be forwarded, printed and kept.

Everything that a template prints passes `words.escape` and then autoescape; no template can forget it.
Knows what all pages share, and of none what it tells.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analyzer.report import words

TEXT_MAX = 4000
"""Characters printed of any one text: a remedy with its commands is not cut, a flood is."""
SIGNS = {"healthy": "✔", "degraded": "!", "failing": "✘", "undetermined": "?"}
"""Sign of a state, beside its word and its colour."""


def filled(template: str, *styles: str, **known: Any) -> str:
    """A template with what it knows, and with its style, which alone its security policy lets in."""
    css = Markup("").join(Markup(_part(style)) for style in styles)
    text: str = (
        _environment()
        .get_template(template)
        .render(css=css, css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(), **known)
    )
    return text


def _part(name: str) -> str:
    return (files("analyzer.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Templates with the words; what they print is escaped twice, and an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("analyzer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"SIGNS": SIGNS, "CHECKS": words.CHECKS, "Counter": Counter, "version": version("fedtrace")}
    for name in ("clock", "count", "day", "duration", "instant", "marks_say", "outcome_says", "place", "time_of"):
        environment.globals[name] = getattr(words, name)
    environment.filters |= {"outcome_says": words.outcome_says, "prose": _prose}
    environment.globals |= {"foremost": words.foremost, "lasted": words.lasted}
    environment.globals |= {"policy_says": words.policy_says, "product_says": words.product_says, "says": words.says}
    return environment


def _shown(value: Any) -> Any:
    """What a template prints: our own markup as it is, all else without what does not show or steers a reader."""
    return value if isinstance(value, Markup) else words.escape(str(value), TEXT_MAX)


def _prose(text: str) -> Markup:
    """A sentence or more of ours, with what stands between backticks as code and a line for each line."""
    lines = []
    for line in text.strip().splitlines():
        if words.is_command(line):
            lines.append(Markup("<code>{}</code>").format(escape(_shown(line))))
            continue
        parts = [escape(_shown(part)) for part in line.split("`")]
        whole = parts if len(parts) % 2 else [escape(_shown(line))]
        lines.append(Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(whole)))
    return Markup("<br>").join(lines)
