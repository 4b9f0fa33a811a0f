"""The page of a rule and the table of all, as a reader of the documentation meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer import explain as pages
from analyzer.checklist import STEPS, Step
from analyzer.explain import explain, names, rule_table
from analyzer.judge import all_rules
from parsers.errors import FedtraceError


@pytest.mark.parametrize("name", all_rules())
def test_every_rule_has_a_page_that_says_what_the_rule_says(name: str) -> None:
    """Title, explanation, remedy, each rival, each consequence and each source stand on the page."""
    page, rule = explain(name), all_rules()[name]
    assert page.startswith(f"# {rule.title}\n")
    for said in (name, rule.stage.word, rule.owner.value, rule.explanation.strip(), rule.remedy.strip()):
        assert said in page
    for other in (*rule.rivals, *rule.masks):
        assert f"- `{other}`" in page
    for source in rule.sources:
        assert f"- {source}" in page


def test_a_checkout_shows_the_cases_as_examples() -> None:
    """On request a firing case and a near miss stand on the page with their scenes, not what tests expect of them."""
    page = explain("dns-srv-nxdomain", cases=True)
    assert "## Examples" not in explain("dns-srv-nxdomain")
    _, _, examples = page.partition("## Examples\n")
    assert "### A domain that DNS does not know" in examples
    assert "### Near miss" in examples
    assert "```scene" in examples
    assert "```findings" not in examples


def test_an_installed_package_has_pages_without_examples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no cases are, the page ends with its sources."""
    monkeypatch.setattr(pages, "CASES", tmp_path)
    page = explain("dns-srv-nxdomain", cases=True)
    assert "## Examples" not in page
    assert "## Sources" in page


@pytest.mark.parametrize("name", ["dns-srv-nxdomian", "nxdomain", "DNS-SRV-NXDOMAIN"])
def test_a_name_that_no_rule_has_brings_up_near_ones(name: str) -> None:
    """A slip of the finger, or half a name, leads to the right one."""
    with pytest.raises(FedtraceError) as raised:
        explain(name)
    assert name in str(raised.value)
    assert "dns-srv-nxdomain" in str(raised.value)


def test_a_name_that_is_like_nothing_leads_to_the_list() -> None:
    """Nothing is near: the list is the next step."""
    with pytest.raises(FedtraceError, match="`fedtrace rules` and `fedtrace formats` list them") as raised:
        explain("?")
    assert "did you mean" not in str(raised.value)


def test_the_table_has_one_row_for_each_rule() -> None:
    """Name, title, stage and owner, four cells each, whatever a title holds."""
    head, ruler, *rows = rule_table().splitlines()
    assert head == "| name | title | stage | owner |"
    assert ruler.count("|") == 5
    assert [row.split("`")[1] for row in rows] == list(all_rules())
    for row in rows:
        assert row.replace("\\|", "").count("|") == 5, row


def test_a_format_and_a_table_can_be_explained_too() -> None:
    """Who writes it and where it is defined; what each column holds."""
    assert "--port names further ones" in explain("asa")
    assert "Defined by: https://www.cisco.com/" in explain("asa")
    assert (
        "| `reached` | one of dns, connect, stream, tls, auth, traffic, in this order | how far it came |"
        in explain("sessions")
    )
    assert len(set(names())) == len(names()), "a name means one thing"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_of_the_checklist_can_be_explained(step: Step) -> None:
    """What it asks, what the guide has one do, what would answer it, and where it stands."""
    page = explain(step.name)
    assert page.startswith(f"# {step.question}\n")
    assert f"{step.guide}\n\n## What answers it\n\n{step.answered_by}\n" in page
    part = {"config": "configuration", "verify": "verification", "trouble": "troubleshooting"}[step.name[:-2]]
    assert page.endswith(f"- Cisco 116339, {part}, step {step.name[-1]}\n")


def test_what_firewalls_write_of_it_stands_on_the_page() -> None:
    """The messages by their ids; what servers say by topic and reason."""
    assert "a firewall's log: deny of a connection to our side, message 106023" in explain(
        "network-inbound-blocked-acl"
    )
    assert "a server's log: tls-failed, for the reason certificate-self-signed or certificate-untrusted" in explain(
        "tls-cert-untrusted"
    )


def test_the_pages_in_the_checkout_are_those_of_the_parts() -> None:
    """`fedtrace explain --all docs` writes them; none stands there that no part has."""
    docs = pages.CASES.parents[1] / "docs"
    found = pages.pages()
    kept = {p.relative_to(docs).as_posix() for folder in ("rules", "formats") for p in (docs / folder).glob("*.md")}

    assert kept == {place for place in found if "/" in place}
    for place, page in found.items():
        assert (docs / place).read_text(encoding="utf-8") == page, f"{place}: fedtrace explain --all docs"


def test_the_readme_lists_every_rule() -> None:
    """The same table, with links to the pages."""
    readme = (pages.CASES.parents[1] / "README.md").read_text(encoding="utf-8")

    assert rule_table("docs/rules/") in readme, "paste what rule_table gives between the markers"
