"""The report for programs: the contract's keys in its order, its words, its ids."""

from __future__ import annotations

import json
import re
from pathlib import Path

from analyzer.checklist import checklist
from analyzer.judge import judge
from analyzer.report.rows import SCHEMA, report
from parsers.case import Case
from parsers.errors import UnknownFormat
from parsers.source import Reading, Source
from tests import scene
from tests.analyzer.reports import rows, valid

FAILED = """
    0.00  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
    0.02  back   answer SRV _xmpp-server._tcp.gmail.com = 5 0 5269 x.l.google.com + x.l.google.com 198.51.100.10
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.20  back   rst
"""
TLS = """
    0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
    0.11  back   syn-ack
    0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
    0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
    0.15  same   StreamFeatures starttls=required
    0.16  10.0.0.5:40000 > 198.51.100.10:5269  StartTls word=starttls
    0.17  back   StartTls word=proceed
    0.18  10.0.0.5:40000 > 198.51.100.10:5269  TlsHello side=client sni=gmail.com
    0.19  back   TlsHello side=server cipher=TLS_AES_128_GCM_SHA256
    0.20  same   TlsCertificate names=xmpp.gmail.com
    0.21  same   TlsData
    0.22  10.0.0.5:40000 > 198.51.100.10:5269  TlsData
"""


def test_the_keys_stand_in_the_contracts_order() -> None:
    """A reader of the text finds things where the contract has them; what was added stands between or behind."""
    order = "fedtrace schema sources local_domains verdicts sessions connections lookups findings blind checklist"
    added = ("assumed", "peers")
    keys = list(rows(scene.tap("cups", FAILED), local=("cupdomain.com",)))

    assert " ".join(k for k in keys if k not in added) == order


def test_a_refused_connection_from_lookup_to_finding() -> None:
    """Ids lead from the verdict to its session, on to lookup, connection and finding, and back."""
    told = rows(scene.tap("cups", FAILED), local=("cupdomain.com",))
    (verdict,), (session,), (connection,), (lookup,) = (
        told[k] for k in ("verdicts", "sessions", "connections", "lookups")
    )

    assert told["schema"] == SCHEMA == 1
    assert (verdict["state"], verdict["initiator"], verdict["receiver"]) == ("failing", "cupdomain.com", "gmail.com")
    assert verdict["sessions"] == [session["id"]] == [connection["session"]]
    assert session["lookups"] == [lookup["id"]]
    assert session["connections"] == [connection["id"]]
    assert {f["session"] for f in told["findings"]} == {session["id"]}
    assert session["findings"] == [f["id"] for f in told["findings"]]
    assert [f["rule"] for f in told["findings"] if f["is_cause"]] == [verdict["cause"]]
    assert (session["direction"], session["outcome"], session["reached"]) == ("outbound", "failed", "connect")
    assert (connection["client"], connection["outcome"], connection["history"]) == ("10.0.0.5:40000", "refused", "Sr")
    assert lookup["answers"] == [
        {"priority": 5, "weight": 0, "port": 5269, "target": "x.l.google.com", "ttl_s": 300},
        {"address": "198.51.100.10", "ttl_s": 300},
    ]
    assert lookup["answered"] == "2013-09-06T09:14:00.020000000Z"


def test_the_timeline_begins_with_the_client_and_ends_with_what_it_got_back() -> None:
    """Trigger, steps and bounce in order of time, each with the frame that shows it."""
    told = rows(
        scene.tap(
            "cups",
            """
            0.0  10.0.0.20:6000 > 10.0.0.5:5222  StreamHeader to=cupdomain.com namespace=jabber:client
            1.0  same   Stanza name=presence type=subscribe to=gmail.com
            1.1  10.0.0.5:4000 > 10.0.0.53:53   query SRV _xmpp-server._tcp.gmail.com
            1.2  back   answer SRV _xmpp-server._tcp.gmail.com NXDOMAIN
            1.3  10.0.0.5:5222 > 10.0.0.20:6000  Stanza name=presence type=error condition=item-not-found from=gmail.com
            """,
        ),
        local=("cupdomain.com",),
    )
    (session,) = told["sessions"]

    assert [(m["step"], m["says"]) for m in session["timeline"]] == [
        ("trigger:STANZA", "<presence> subscribe → gmail.com"),
        ("dns:ASKED", "SRV _xmpp-server._tcp.gmail.com?"),
        ("dns:NO_SUCH_NAME", "SRV _xmpp-server._tcp.gmail.com: NXDOMAIN"),
        ("trigger:BOUNCED", "<presence> error (item-not-found) gmail.com →"),
    ]


def test_what_was_seen_of_tls() -> None:
    """Mode, version, cipher and the names on the certificate."""
    (connection,) = rows(scene.tap("cups", TLS), local=("cupdomain.com",))["connections"]

    assert connection["tls"] == {
        "mode": "starttls",
        "version": "TLS 1.2",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "server_names": ["gmail.com", "xmpp.gmail.com"],
        "alert": None,
    }


def test_what_is_hidden_is_listed_as_blind() -> None:
    """Under TLS the rules about authentication say why they cannot speak."""
    blind = rows(scene.tap("cups", TLS), local=("cupdomain.com",))["blind"]

    assert any("ciphertext after frame" in b["because"] for b in blind)


def test_a_callback_names_the_session_whose_key_it_verifies() -> None:
    """The connection that only verifies belongs to the attempt of the other direction."""
    told = rows(
        scene.tap(
            "cups",
            """
            0.10  10.0.0.5:40000 > 198.51.100.10:5269  syn
            0.11  back   syn-ack
            0.13  10.0.0.5:40000 > 198.51.100.10:5269  StreamHeader from=cupdomain.com to=gmail.com
            0.14  back   StreamHeader from=gmail.com to=cupdomain.com id=gmail-1
            0.16  10.0.0.5:40000 > 198.51.100.10:5269  Dialback word=result from=cupdomain.com to=gmail.com key=k1
            0.20  198.51.100.10:50000 > 10.0.0.5:5269  syn
            0.21  back   syn-ack
            0.22  198.51.100.10:50000 > 10.0.0.5:5269  StreamHeader from=gmail.com to=cupdomain.com
            0.23  back   StreamHeader from=cupdomain.com to=gmail.com id=cups-1
            0.25  198.51.100.10:50000 > 10.0.0.5:5269  Dialback word=verify from=gmail.com to=cupdomain.com id=gmail-1
            0.26  back   Dialback word=verify verdict=valid from=cupdomain.com to=gmail.com id=gmail-1
            0.27  198.51.100.10:5269 > 10.0.0.5:40000  Dialback verdict=valid from=gmail.com to=cupdomain.com
            """,
        ),
        local=("cupdomain.com",),
    )
    stanzas, callback = told["connections"]
    (session,) = told["sessions"]

    assert (stanzas["role"], stanzas["auth"], stanzas["callback_of"]) == ("stanzas", "dialback", None)
    assert (callback["role"], callback["callback_of"], callback["session"]) == ("verify", session["id"], session["id"])
    assert session["links"][-1]["kind"] == "callback → stream"
    assert told["verdicts"][0]["summary"] == "a stream was authenticated by dialback"


def test_a_source_that_could_not_be_read_says_why() -> None:
    """Format null, the reason as damage, and all its bytes lost."""
    tap = scene.tap("cups", FAILED)
    view = scene.case(tap)
    bad = Source(name="notes.txt", path=Path("/nowhere/notes.txt"), format=None)
    case = Case(
        sources=[*view.sources, bad],
        readings={**view.readings, "notes.txt": Reading(size_bytes=77)},
        events={"cups": tap.events},
        problems={"notes.txt": UnknownFormat("notes.txt", "no format recognises it")},
    )
    judgement = judge(view)
    told = valid(json.dumps(report(case, view, judgement, checklist(view, judgement))))
    source = told["sources"][1]

    assert (source["format"], source["first"], source["sha256"]) == (None, None, None)
    assert source["damage"] == [{"what": "notes.txt: no format recognises it", "lost": 77, "unit": "bytes"}]


def test_the_offset_of_a_clock_is_told() -> None:
    """The outside clock runs 5 s ahead."""
    outside = re.sub(r"^( +)0\.", r"\g<1>5.", FAILED, flags=re.M)
    told = rows(scene.tap("inside", FAILED), scene.tap("outside", outside), local=("cupdomain.com",))

    assert [s["clock_offset_ns"] for s in told["sources"]] == [0, 5 * 10**9]
    assert [s["clock_residual_ns"] for s in told["sources"]] == [0, 0]


def test_the_same_input_gives_the_same_report() -> None:
    """Ids and order do not depend on the run, nor on the order in which the taps were named."""
    inside, outside = scene.tap("inside", FAILED), scene.tap("outside", FAILED)
    one = rows(inside, outside, local=("cupdomain.com",))
    other = rows(scene.tap("inside", FAILED), scene.tap("outside", FAILED), local=("cupdomain.com",))

    assert json.dumps(one) == json.dumps(other)
