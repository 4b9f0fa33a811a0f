"""One spelling for each kind of source."""

from __future__ import annotations

from analyzer.citations import cisco, note, rfc, xep


def test_a_citation_says_what_and_where() -> None:
    """The text, and the address where there is a lasting one."""
    assert str(rfc(6120, "5.4.3.2")) == (
        "RFC 6120 section 5.4.3.2 <https://www.rfc-editor.org/rfc/rfc6120#section-5.4.3.2>"
    )
    assert str(rfc(2782)) == "RFC 2782 <https://www.rfc-editor.org/rfc/rfc2782>"
    assert str(xep(220, "2.1.1")) == "XEP-0220 section 2.1.1 <https://xmpp.org/extensions/xep-0220.html>"
    assert str(xep(368)) == "XEP-0368 <https://xmpp.org/extensions/xep-0368.html>"
    assert str(cisco("116339", "Federation across an ASA")) == "Cisco 116339, Federation across an ASA"
    assert str(cisco("116339")) == "Cisco 116339"
    assert str(note("Prosody, mod_dialback")) == "Prosody, mod_dialback"
