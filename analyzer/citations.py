"""One spelling for the sources that rules and formats cite. Knows no rule."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a published document."""

    text: str
    """How it is printed."""
    url: str
    """Where it is; "" for a page without a lasting address."""

    def __str__(self) -> str:
        """As printed in a list of sources."""
        return f"{self.text} <{self.url}>" if self.url else self.text


def rfc(number: int, section: str = "") -> Citation:
    """An RFC, optionally one section of it."""
    anchor = f"#section-{section}" if section else ""
    return Citation(
        f"RFC {number}" + (f" section {section}" if section else ""),
        f"https://www.rfc-editor.org/rfc/rfc{number}{anchor}",
    )


def xep(number: int, section: str = "") -> Citation:
    """A XMPP extension protocol."""
    return Citation(
        f"XEP-{number:04d}" + (f" section {section}" if section else ""),
        f"https://xmpp.org/extensions/xep-{number:04d}.html",
    )


def cisco(document: str, title: str = "") -> Citation:
    """A Cisco document, by its number or name."""
    return Citation(f"Cisco {document}" + (f", {title}" if title else ""), "")


def note(text: str) -> Citation:
    """Anything else: a mailing list, a bug report, a server's source file."""
    return Citation(text, "")
