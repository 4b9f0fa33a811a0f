"""Templates filled: the style that the policy lets in is the one that is there."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from analyzer.report.page import page
from analyzer.report.web import filled
from tests.analyzer.reports import analysed


def test_the_style_is_let_in_by_its_hash() -> None:
    """Any other would be refused by the browser, and with it whatever came off the wire as one."""
    html = page(analysed())
    style = re.search(r"<style>(.*?)</style>", html, re.S)

    assert style is not None
    told = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{told}'" in html


def test_a_name_that_nobody_gave_is_an_error() -> None:
    """A page never has a hole in it."""
    with pytest.raises(UndefinedError):
        filled("page.html", "page.css")
