"""The page behind a link in a message."""

from datetime import timedelta

import pgtrigger
import pytest
from django.contrib.auth.models import User
from django.db import Error, transaction
from django.test import Client
from django.utils import timezone

from approvals.errors import SignatureRequired
from approvals.lifecycle import reevaluation, review
from approvals.messaging import decision_links
from approvals.models import Decision, DecisionToken, Notice, Occasion, Proposal
from audit.clock import database_now
from audit.models import Entry
from policies.models import Surface
from tests import world as worlds
from tests.approvals.races import race
from tests.world import World, seen

pytestmark = pytest.mark.django_db

SCANNERS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Microsoft Office/16.0; MSOffice 16)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks",
    "Mimecast URL Protection",
    "Barracuda Sentinel (EE)",
    "Proofpoint URL Defense",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
    "GoogleImageProxy",
    "WhatsApp/2.24",
    "facebookexternalhit/1.1",
)


@pytest.fixture
def world() -> World:
    return worlds.build()


def link(world: World, proposal: Proposal, person: User | None = None) -> str:
    current = Proposal.objects.select_related("revision").get(pk=proposal.pk)
    text = decision_links.issue(person=person or world.owner, proposal=current, via="email", at=database_now())
    return f"/decide/{text}/"


def approve(client: Client, address: str, proposal: Proposal, **fields):
    shown = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    return client.post(address, {"verdict": "approve", **shown, **fields})


def rows() -> dict[str, list]:
    return {
        model.__name__: [*model.objects.order_by("pk").values()]
        for model in (Proposal, Decision, DecisionToken, Notice, Occasion, Entry)
    }


def test_a_hundred_link_previews_change_nothing(world):
    proposal = world.propose()
    address = link(world, proposal)
    before = rows()
    for number in range(100):
        client = Client(headers={"user-agent": SCANNERS[number % len(SCANNERS)]})
        answer = client.head(address) if number % 2 else client.get(address)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
    assert rows() == before
    assert approve(Client(), address, proposal).status_code == 200


def test_the_page_says_what_it_does_what_changes_and_who_decides(world):
    page = Client().get(link(world, world.propose(content={"payload": {"amount": 4000}, "before": {"amount": 100}})))
    text = page.content.decode()
    for words in ("If approved, “shift_budget” runs on ads.budget", "4,000", "100", "Channel owner", "channel-owner"):
        assert words in text


def test_a_post_decides_once_and_the_ledger_says_the_way(world):
    proposal = world.propose()
    address = link(world, proposal)
    answer = approve(Client(), address, proposal)
    assert (answer.status_code, "Approved." in answer.content.decode()) == (200, True)
    decision = Decision.objects.get()
    assert (decision.by, decision.verdict, decision.digest) == (world.owner, "approve", proposal.revision.digest)
    entry = Entry.objects.get(kind="proposal.decided")
    assert (entry.data["via"], entry.actor) == ("email", f"user:{world.owner.pk}")

    for again in (approve(Client(), address, proposal), Client().get(address)):
        assert again.status_code == 410
        assert "channel-owner used it" in again.content.decode()
    assert Decision.objects.count() == 1


def test_a_used_link_stays_used_when_the_decision_is_undone(world):
    proposal = world.propose()
    address = link(world, proposal)
    approve(Client(), address, proposal)
    review.undo(proposal_id=proposal.pk, by=world.owner)
    assert approve(Client(), address, proposal).status_code == 410
    assert Proposal.objects.get().state == "pending"


def test_a_post_needs_the_forms_own_proof(world):
    proposal = world.propose()
    forging = Client(enforce_csrf_checks=True)
    assert approve(forging, link(world, proposal), proposal).status_code == 403
    assert not Decision.objects.exists()


def test_a_link_of_somebody_else_is_refused(world):
    proposal = world.propose()
    other = Client()
    other.force_login(world.other_owner)
    address = link(world, proposal)
    for answer in (other.get(address), approve(other, address, proposal)):
        assert answer.status_code == 403
        assert proposal.title not in answer.content.decode()
    own = Client()
    own.force_login(world.owner)
    assert approve(own, address, proposal).status_code == 200


def test_an_edited_revision_shows_the_difference(world):
    proposal = world.propose()
    address = link(world, proposal)
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.other_owner, payload={"amount": 123456})
    for answer in (approve(Client(), address, proposal), Client().get(address)):
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "123,456" in text
        assert "4,000" in text
        assert f"/admin/approvals/proposal/{proposal.pk}/?seen=1" in text
        assert "other-channel-owner wrote revision 2" in text
    assert not Decision.objects.exists()


def test_an_expired_link_says_how_it_stands(world):
    proposal = world.propose()
    proposal.deadline_at = timezone.now() - timedelta(seconds=1)
    text = decision_links.issue(person=world.owner, proposal=proposal, via="email", at=database_now())
    for answer in (Client().get(f"/decide/{text}/"), approve(Client(), f"/decide/{text}/", proposal)):
        assert answer.status_code == 410
        assert "expired" in answer.content.decode()
    assert not Decision.objects.exists()


def test_what_somebody_else_settled_is_told_with_their_name(world):
    proposal = world.propose()
    address = link(world, proposal)
    world.decide(proposal, "reject", by=world.other_owner, reason_code="off_brand")
    answer = Client().get(address)
    assert answer.status_code == 410
    said = answer.content.decode()
    assert "Rejected by other-channel-owner, <time datetime=" in said
    assert "ago</time>. It is now rejected." in said
    assert "&lt;time" not in said


def test_a_used_link_says_who_used_it_and_when(world):
    proposal = world.propose()
    address = link(world, proposal)
    approve(Client(), address, proposal)
    said = Client().get(address).content.decode()
    assert "channel-owner used it <time datetime=" in said
    assert "ago</time>: Approved." in said
    assert "&lt;time" not in said


def test_the_page_says_what_approving_does_as_the_card_knows_it(world):
    Surface.objects.filter(pk="ads.budget").update(card="price")
    content = {"payload": {"sku": "starter <b>", "price": 24}, "before": {"sku": "starter <b>", "price": 29}}
    said = Client().get(link(world, world.propose(content=content))).content.decode()
    assert "If approved, the price of starter &lt;b&gt; goes down from 29 to 24" in said


def test_a_changed_token_opens_nothing(world):
    address = link(world, world.propose())
    secret, _, signature = address.removeprefix("/decide/").rstrip("/").partition(".")
    wrong = [
        f"{secret}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}",
        secret,
        f"{secret}.",
        f"x{secret}.{signature}",
    ]
    for text in [*wrong, "a", "a.b", "…", "%00"]:
        assert Client().get(f"/decide/{text}/").status_code == 404, text


def test_a_token_moved_to_another_proposal_in_the_database_opens_nothing(world):
    address, other = link(world, world.propose()), world.propose()
    with pytest.raises(Error), transaction.atomic():
        DecisionToken.objects.update(proposal=other)
    with pgtrigger.ignore("approvals.DecisionToken:bound_for_good"):
        DecisionToken.objects.update(proposal=other)
    assert Client().get(address).status_code == 404


def test_the_database_refuses_a_second_use(world):
    proposal = world.propose()
    approve(Client(), link(world, proposal), proposal)
    for change in ({"used_at": None, "decision": None}, {"used_at": timezone.now()}):
        with pytest.raises(Error), transaction.atomic():
            DecisionToken.objects.update(**change)


def test_a_tier_that_wants_a_signature_always_asks_to_sign_in(world):
    """Also where the policy became stricter after the message was sent."""
    proposal = world.propose()
    address = link(world, proposal)
    world.enforce(surfaces={"ads.budget": {"tier": "signature"}})
    while reevaluation.reevaluate_open():
        pass
    proposal = Proposal.objects.select_related("revision").get()
    assert proposal.tier_id == "signature"
    page = Client().get(address)
    assert 'value="approve"' not in page.content.decode()
    answer = approve(Client(), address, proposal)
    assert (answer.status_code, answer.url) == (302, f"/admin/approvals/proposal/{proposal.pk}/")
    token = decision_links.find(address.removeprefix("/decide/").rstrip("/"))
    with pytest.raises(SignatureRequired):
        decision_links.decide(
            token=token,
            decision=decision_links.Said(verdict=Decision.Verdict.REJECT, reason_code="off_brand"),
            signed_in=world.owner,
        )
    assert not Decision.objects.exists()


def test_a_rejection_needs_its_reason_and_leaves_the_link_good(world):
    proposal = world.propose()
    address = link(world, proposal)
    answer = approve(Client(), address, proposal, verdict="reject")
    assert (answer.status_code, "Choose why you reject it." in answer.content.decode()) == (200, True)
    answer = approve(Client(), address, proposal, verdict="reject", reason_code="off_brand")
    assert "Rejected." in answer.content.decode()


def test_who_lost_the_role_or_the_account_decides_nothing(world):
    proposal = world.propose()
    address = link(world, proposal)
    world.owner.groups.clear()
    assert approve(Client(), address, proposal).status_code == 404
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    assert Client().get(address).status_code == 404
    assert not Decision.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_decide_once(world):
    proposal = world.propose()
    address = link(world, proposal)
    answers = race(1, *[lambda _: approve(Client(), address, proposal).status_code] * 4)[0]
    assert sorted(answers) == [200, 410, 410, 410]
    assert Decision.objects.count() == 1
