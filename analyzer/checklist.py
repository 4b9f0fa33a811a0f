"""The guide's steps (Cisco 116339), each answered from the evidence: pass, fail, not observed or not applicable.

Asks of the case what an administrator would try by hand: does DNS lead here, does TCP 5269 come in and go out, does
the service answer, does anybody else claim our domain.
Silence is never a pass: what nothing shows is not observed, and the item says the one thing that would show it.
Knows no single rule but by name, and no layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analyzer.addresses import is_address, is_private
from analyzer.by_hand import by_hand
from analyzer.judge import Judgement
from analyzer.lookup import Lookup
from analyzer.reach import answers_inside, comes_in, goes_out, service_runs, translated
from analyzer.session import DialbackKey, Session
from analyzer.signs import Sign, State, by_rules, causes, inbound, is_at_ours, listed, ours, together
from analyzer.view import CaseView
from parsers.events import Event

UNKNOWN_LOCAL = "which domain is ours is not known: name it with --local-domain"

SETTING_RULES = (
    "dialback-off",
    "hosting-federation-off",
    "hosting-google-no-tls",
    "hosting-policy-denied",
    "stream-no-common-auth",
    "tls-client-cert-missing",
    "tls-mode-mismatch",
    "tls-required-by-peer-ignored",
    "tls-required-not-offered",
)
"""Rules that say that the federation settings of the two servers do not fit."""
CALLBACK_RULES = (
    "hosting-domain-registered-at-google",
    "hosting-domain-registered-at-webex",
    "hosting-unexpected-callback",
)
"""Rules that an unexpected dialback callback leads to."""
ELSEWHERE_RULES = (*CALLBACK_RULES, "hosting-domain-hosted-by-google", "hosting-domain-hosted-by-webex")
"""Rules that say that somebody else serves our domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One step of the guide, answered."""

    step: str
    """Its name in the guide: "config-1" … "trouble-2"."""
    question: str
    """What it asks."""
    state: State
    """The answer."""
    because: str
    """Why: what was seen, or the one thing that would show it."""
    events: tuple[Event, ...]
    """The evidence; empty when nothing was observed."""


Check = Callable[[CaseView, Judgement], Sign]


def checklist(case: CaseView, judgement: Judgement) -> tuple[Item, ...]:
    """Every step in the guide's order."""
    items = []
    for step in STEPS:
        sign = step.check(case, judgement) if case.local_domains else Sign("not-observed", "", UNKNOWN_LOCAL)
        # What was captured tells more than what somebody tried, at a time that a paste does not tell.
        if sign.state == "not-observed" and case.local_domains:
            found = by_hand(step.name, case)
            if found is not None and (found.state != "not-observed" or not sign.events):
                sign = found
        items.append(
            Item(step=step.name, question=step.question, state=sign.state, because=sign.says, events=sign.events)
        )
    return tuple(items)


# --- config-1, trouble-1: DNS leads to us


def _dns_leads_here(case: CaseView, judgement: Judgement) -> Sign:
    """Public DNS gives, for our domain, a host with the public address of our server (RFC 6120 section 3.2.1)."""
    return together((_published(case, d) for d in case.local_domains), "", all_must=True)


def _published(case: CaseView, domain: str) -> Sign:
    """What public DNS was last seen to say of one of our domains."""
    name = f"_xmpp-server._tcp.{domain}"
    ask = f"nslookup -type=SRV {name} against a public resolver would show"
    asked = [k for k in case.lookups_of(domain) if _is_public_view(k)]
    lookup = next((k for k in reversed(asked) if k.answer is not None), None)
    if lookup is None or lookup.answer is None:
        return Sign("not-observed", domain, f"no answer of public DNS about {name} was captured: {ask}")
    events: tuple[Event, ...] = (lookup.answer,)
    if lookup.outcome != "answered":
        return Sign("fail", domain, f"public DNS answers {lookup.outcome} for {name}", events)
    targets = {r.data for r in lookup.srv}
    if targets == {"."}:
        return Sign("fail", domain, f"{name} says that {domain} has no federation service (target `.`)", events)
    if not targets:
        return Sign("not-observed", domain, f"the answer about {name} was cut short: {ask}")
    about = [k for k in case.lookups if k.name in targets and k.answer is not None and _is_public_view(k)]
    addresses = {a for k in about for a in k.addresses}
    addresses |= {r.data for r in lookup.records if r.rrtype in ("A", "AAAA") and r.name in targets}
    events += tuple(k.answer for k in about[-2:] if k.answer is not None)
    hosts = listed(sorted(targets))
    if not addresses and any(k.outcome in ("nxdomain", "empty") for k in about):
        return Sign("fail", domain, f"{name} names {hosts}, which has no address", events)
    if not addresses:
        return Sign("not-observed", domain, f"{name} names {hosts}: nslookup of that would show its address", events)
    return _compared(case, domain, addresses, events)


def _compared(case: CaseView, domain: str, addresses: set[str], events: tuple[Event, ...]) -> Sign:
    """Whether the addresses that public DNS gives are those at which we are reached."""
    told = listed(sorted(addresses))
    public = {a for a in addresses if not is_private(a)}
    if not public:
        return Sign("fail", domain, f"public DNS leads to {told}, which cannot be reached from outside", events)
    if public & case.local_addresses:
        return Sign("pass", domain, f"public DNS leads to {told}, where our server is reached", events)
    at_ours = [c for c in inbound(case) if c.accepted and is_at_ours(case, c)]
    reached = {s.server[0] for c in at_ours for s in c.sightings if not is_private(s.server[0])}
    if reached:
        return Sign(
            "fail", domain, f"public DNS leads to {told}, but we are reached at {listed(sorted(reached))}", events
        )
    says = f"public DNS leads to {told}; a connection to it captured outside the firewall would show whether it is ours"
    return Sign("not-observed", domain, says, events)


def _is_public_view(lookup: Lookup) -> bool:
    """Whether public DNS answered: between two inside addresses an inside view of the zone may stand.

    Whoever asked an inside resolver and does not tell its own address is inside.
    """
    inside = is_private(lookup.client) or not is_address(lookup.client)
    return not (inside and (is_private(lookup.resolver) or not is_address(lookup.resolver)))


# --- config-3, verify-3: nobody else serves our domain


def _not_elsewhere(case: CaseView, judgement: Judgement) -> Sign:
    """No sign of another service for our domain, and a peer that found us."""
    claimed = [*by_rules(ours(case, judgement.findings), ELSEWHERE_RULES, any_severity=True)]
    vouched = [
        Sign("pass", k.target_domain, f"{k.target_domain} called us back about the key that we sent", _said(k))
        for k in case.dialbacks
        if _is_expected(case, k) and k.step_into("VOUCHED")
    ]
    inbound = [
        Sign("pass", s.initiator, f"{s.initiator} reached us and was authenticated", _proof(s))
        for s in case.sessions
        if s.direction == "inbound" and s.authenticated
    ]
    return together(
        [*claimed, *_pending_claims(case, claimed), *vouched, *inbound],
        "neither a sign of another service for our domain nor a callback that asked us was captured: ask Google's and "
        "WebEx's support, or capture while a contact is added",
        all_must=True,
    )


def _no_unexpected_callback(case: CaseView, judgement: Judgement) -> Sign:
    """Every callback about a key of ours is about a key that we sent (XEP-0220 section 2.2.2)."""
    claimed = [*by_rules(ours(case, judgement.findings), CALLBACK_RULES, any_severity=True)]
    expected = [
        Sign("pass", k.target_domain, f"{k.target_domain} asked about the key that we sent it", _said(k))
        for k in case.dialbacks
        if _is_expected(case, k)
    ]
    return together(
        [*claimed, *_pending_claims(case, claimed), *expected],
        "no dialback callback that asked us about a key was captured in the clear: the federation log of our server "
        "would tell of one",
        all_must=True,
    )


def _is_expected(case: CaseView, key: DialbackKey) -> bool:
    """Whether a callback asked about a key that our domain was seen sending."""
    return case.is_local(key.sender_domain) and key.request is not None and key.verify is not None


def _pending_claims(case: CaseView, claimed: Sequence[Sign]) -> Iterator[Sign]:
    """Callbacks about keys that nobody saw us send, and refused keys in our name from who knows where, where no rule
    speaks of them.
    """
    if claimed:
        return
    for key in case.dialbacks:
        if not case.is_local(key.sender_domain):
            continue
        if key.request is not None and key.step_into("DISOWNED", "REJECTED") and not _is_from_ours(case, key):
            says = (
                f"{key.target_domain} was given a key in the name of {key.sender_domain} that proved invalid; a "
                f"capture or the log of {key.target_domain} would show from which address it came"
            )
            yield Sign("not-observed", key.target_domain, says, _said(key))
        elif key.request is None and key.verify is not None:
            says = (
                f"{key.target_domain} asked about a key that we were not seen sending: a capture of our outbound "
                "connections from before it would show whether we did"
            )
            yield Sign("not-observed", key.target_domain, says, _said(key))


def _is_from_ours(case: CaseView, key: DialbackKey) -> bool:
    """Whether a key was seen to come from a host of ours."""
    stream = case.connection(key.asked_on)
    return stream is not None and any(s.client[0] in case.local_addresses for s in stream.sightings)


def _said(key: DialbackKey) -> tuple[Event, ...]:
    """The key, the question about it and the answer, as far as seen."""
    return tuple(e for e in (key.request, key.verify, key.verify_answer) if e is not None)


# --- config-4: settings


def _settings_fit(case: CaseView, judgement: Judgement) -> Sign:
    """Federation is enabled on our server, with settings that its peers can meet."""
    signs = [*by_rules(causes(case, judgement), SETTING_RULES)]
    for verdict in judgement.verdicts:
        session = next((s for s in reversed(verdict.sessions) if s.authenticated), None)
        about_us = case.is_local(verdict.initiator) or case.is_local(verdict.receiver)
        if about_us and session is not None and verdict.state in ("healthy", "degraded"):
            pair = f"{verdict.initiator} to {verdict.receiver}"
            signs.append(Sign("pass", pair, f"{pair}: authenticated", _proof(session)))
    return together(
        signs,
        "no stream of our server was seen to be authenticated: its federation settings, or its log of one attempt, "
        "would show",
    )


def _proof(session: Session) -> tuple[Event, ...]:
    """The step by which a session was authenticated."""
    steps = [step for d in session.dialbacks if (step := d.step_into("ACCEPTED"))]
    steps += [step for c in session.connections if (step := c.step_into("AUTHED"))]
    return tuple(s.event for s in steps[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the guide."""

    name: str
    """"config-1" … "trouble-2": the part of the guide, and the number in it."""
    question: str
    """What it asks."""
    guide: str
    """What the guide has one do or see to there."""
    answered_by: str
    """What passes it, what fails it, and what to give fedtrace so that it can tell."""
    check: Check
    """What answers it."""


STEPS: tuple[Step, ...] = (
    Step(
        name="config-1",
        question="Does public DNS lead from our domain to the public address of our server?",
        guide=(
            "Publish an SRV record `_xmpp-server._tcp` for the domain, and an address record of the host that it names."
        ),
        answered_by=(
            "An answer of public DNS, captured or pasted: nslookup of the SRV record and of its target against a "
            "public "
            "resolver.\nThe address must be the one that the firewall translates to the server; a private one, "
            "or none, "
            "fails."
        ),
        check=_dns_leads_here,
    ),
    Step(
        name="config-2",
        question="Does the firewall lead port 5269 of a public address to our server?",
        guide="Static NAT of the server's address to a public one, or PAT of TCP 5269.",
        answered_by=(
            "The firewall's log or `show xlate`; or captures on both of its sides while somebody connects from outside."
        ),
        check=translated,
    ),
    Step(
        name="config-3",
        question="Is our domain registered with no other XMPP service?",
        guide="The domain must be registered neither with Google (Google Apps) nor with WebEx.",
        answered_by=(
            "A callback that asked us about a key of ours passes it; one about a key that we never sent, or a "
            "peer that "
            "says that it hosts the domain itself, fails it.\nCapture, or take the federation log, while a contact is "
            "added."
        ),
        check=_not_elsewhere,
    ),
    Step(
        name="config-4",
        question="Is federation enabled, with security settings that peers can meet?",
        guide=(
            "Enable federation: for Google over TCP without TLS, for WebEx with TLS optional and no client certificate."
        ),
        answered_by=(
            "A stream of ours that was authenticated passes it, in a capture or a server's log; a cause that "
            "lies in the "
            "settings of either server fails it."
        ),
        check=_settings_fit,
    ),
    Step(
        name="config-5",
        question="Does our federation service run?",
        guide="Start the XMPP federation service (Cisco XCP XMPP Federation Connection Manager).",
        answered_by=(
            "A stream header of our server, or a log that tells of a stream with it, passes it; a reset that it sends "
            "itself, or a telnet from inside that is refused, fails it.\nA connection that is accepted proves TCP only."
        ),
        check=service_runs,
    ),
    Step(
        name="verify-1",
        question="From outside, does TCP 5269 reach our server?",
        guide="Telnet from outside to the public address of the server on 5269; a blank screen is good.",
        answered_by=(
            "A connection from outside in a capture or a log, or the pasted telnet where it is known whose "
            "address that "
            "is.\nWhen it fails, look into the firewall's log."
        ),
        check=comes_in,
    ),
    Step(
        name="verify-2",
        question="Inside, does our server accept TCP 5269?",
        guide="Telnet from inside to the server's own address on 5269.",
        answered_by=(
            "A connection seen inside, in a capture or a log, or the pasted telnet.\nWhen it fails, federation is not "
            "configured or its service does not run; or look into the firewall's log."
        ),
        check=answers_inside,
    ),
    Step(
        name="verify-3",
        question="Does nobody call us back about keys that we did not send?",
        guide="Read the XMPP federation log of the server: an unexpected dialback callback tells that the domain is "
        "registered with Google or WebEx as well, whose support must remove it.",
        answered_by=(
            "The federation log, or a capture in the clear of both directions: each callback must be about a key "
            "that we "
            "were seen sending."
        ),
        check=_no_unexpected_callback,
    ),
    Step(
        name="trouble-1",
        question="Does an SRV lookup of our domain give the public address of our server?",
        guide="nslookup, `set type=SRV`, `_xmpp-server._tcp` and the domain, against public DNS.",
        answered_by="The same as config-1: that lookup, captured or pasted, and the one of the host that it names.",
        check=_dns_leads_here,
    ),
    Step(
        name="trouble-2",
        question="Does an SRV lookup of a peer succeed, and does its 5269 accept us?",
        guide=(
            "From the server's network: nslookup of the peer's SRV record, and telnet to one of its addresses on 5269."
        ),
        answered_by=(
            "An attempt of ours to reach a peer, captured at the server or told by its log and the resolver's, or both "
            "pasted.\nA question without a good answer, a SYN without one, and a refusal by the firewall fail it."
        ),
        check=goes_out,
    ),
)
"""The steps of the guide in its order."""
