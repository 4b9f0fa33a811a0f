"""The ticket's report: verdict first, and nothing of the wire becomes markup in a viewer."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analyzer.report.markdown import code, markdown, prose
from analyzer.report.words import escape
from tests import scene
from tests.analyzer.reports import analysis_of

VIEWER = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "<img src=x onerror=alert(1)> [click](http://evil.example) ![i](//evil.example/i.png) @admin #1 GH-12 ABC-123 "
    "`` ` ``` | a\\|b *bold* _it_ ~~no~~ www.evil.example mail@evil.example https://evil.example <http://evil.example> "
    "&lt;b&gt; 0123abc :smile: --- <!-- </details> javascript:alert(1) \\` $x$"
)
"""What Markdown, HTML, and the viewers of GitHub, GitLab and Jira make something of."""
MARKUP = re.compile(r"[<>\[\]@#`*_~|&\\$]|://|www\.|\d[a-z]|[A-Z]-\d|\w\.\w|:\w+:")
"""What must not stand outside a code span."""


def inline(text: str) -> list[Token]:
    """What a viewer makes of a text: its inline tokens."""
    return [t for token in VIEWER.parse(text) for t in token.children or ()]


def hostile() -> str:
    """The report of a case in which every name and text is out for something."""
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', "").replace(" #", " ＃")
    tap = scene.tap(
        "[a](b)|<b>`.pcap",
        f"""
        0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
        0.11  back   syn-ack
        0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to="<b>@evil|`x`.example"
        0.14  back   StreamHeader from="<b>@evil|`x`.example" to=cupdomain.com id=[x](http://evil.example)
        0.15  back   StreamError condition=undefined-condition text="{quoted}"
        """,
    )
    return markdown(analysis_of(tap, local=("cupdomain.com",)))


def test_the_wire_stays_text_in_every_viewer() -> None:
    """Neither link, image nor HTML comes of it; what a viewer would link by itself stands in code spans."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", hostile())
    assert "evil.example" in text
    for token in inline(text):
        assert token.type in ("text", "code_inline", "softbreak", "strong_open", "strong_close"), token
        if token.type == "text":
            assert not MARKUP.search(token.content), token.content
    assert not [t for t in VIEWER.parse(text) if "html" in t.type]


def test_no_name_breaks_a_table() -> None:
    """A pipe in a name ends no cell: each row of a table has as many as its head."""
    rows = [line for line in hostile().splitlines() if line.startswith("|")]
    assert len(rows) > 5
    blocks: dict[int, set[int]] = {}
    number = 0
    for line in hostile().splitlines():
        number += not line.startswith("|")
        if line.startswith("|"):
            blocks.setdefault(number, set()).add(line.count("|"))
    assert all(len(counts) == 1 for counts in blocks.values()), blocks


@given(st.text(alphabet=st.sampled_from("aZ1.-_`|<>[]()*@# \\:,;!“”é→\n"), max_size=40) | st.text(max_size=20))
def test_a_sentence_says_the_same_and_holds_no_markup(text: str) -> None:
    """Whatever stands in it: the words are those of the sentence, and all that is not plain is code."""
    tokens = inline("- " + prose(text))
    assert {t.type for t in tokens} <= {"text", "code_inline"}
    assert not any(MARKUP.search(t.content) for t in tokens if t.type == "text")
    shown = "".join(t.content for t in tokens)
    assert _letters(shown) == _letters(escape(text).replace("|", "\\x7c"))


def _letters(text: str) -> str:
    """A text without spaces, and without the backticks that stand for code."""
    return re.sub(r"[\s`]", "", text)


@given(st.text(alphabet="`a| \\", max_size=12))
def test_a_code_span_holds_its_text(text: str) -> None:
    """Backticks inside end no span."""
    (token,) = inline("x" + code(text))[1:]
    assert token.type == "code_inline"
    assert token.content.strip() == escape(text).replace("|", "\\x7c").strip()


def test_a_ticket_begins_with_the_verdict() -> None:
    """Then cause, proof, what it is not, and the remedy as it is to be pasted."""
    tap = scene.tap(
        "cups.pcap",
        """
        0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
        0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.gmail.com
        0.03  10.0.0.5:4001 > 10.0.0.53:53   query A x.gmail.com #2
        0.04  back   answer A x.gmail.com NXDOMAIN #2
        """,
    )
    text = markdown(analysis_of(tap, local=("cupdomain.com",)))
    assert text.splitlines()[4].startswith(
        "| `cupdomain.com` → `gmail.com` | **failing** | `dns-srv-target-no-address`"
    )
    order = [text.index(part) for part in ("**failing**", "**Evidence**", "**Remedy**", "## Checklist", "## Inputs")]
    assert order == sorted(order)
    assert "- `cups.pcap#5` 09:14:00.040 `A x.gmail.com: NXDOMAIN`" in text


def test_a_line_of_a_zone_file_can_be_pasted() -> None:
    """It stands whole in one code span, with the dot that ends a name."""
    told = prose("publish: _xmpp-server._tcp.cupdomain.com. IN SRV 0 0 5269 cup1.cupdomain.com. (RFC 2782).")
    assert "`_xmpp-server._tcp.cupdomain.com. IN SRV 0 0 5269 cup1.cupdomain.com.`" in told


def test_a_case_without_an_attempt_says_so() -> None:
    """An empty table would look like a fault of ours."""
    tap = scene.tap("cups.pcap", "0.00  10.0.0.5:4000 > 10.0.0.53:53   query A example.com")
    assert "No attempt to federate was seen." in markdown(analysis_of(tap))
