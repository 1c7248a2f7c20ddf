"""The pages of a replay: who may ask, what moves, and that nobody reads titles there that are not theirs to see."""

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client, RequestFactory

from approvals.admin.replays.page import duration
from approvals.replays import runner
from audit import canonical
from policies.models import PolicyVersion, ReplayRun, Surface
from policies.publishing import publish, replay_runs
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db

START = "/admin/policies/replay/"


@pytest.fixture
def world() -> World:
    world = worlds.build()
    world.propose(title="Move it to Social")
    Surface.objects.filter(slug="ads.budget").update(tier="autopilot")
    return world


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", password="a long enough password"))
    return client


def signed_in(*permissions: str) -> Client:
    client = Client()
    client.force_login(worlds.person(f"with-{len(permissions)}", permissions=permissions))
    return client


def page_of(run: ReplayRun) -> str:
    return f"{START}{run.pk}/"


def test_it_is_asked_for_watched_and_read(world, root):
    answer = root.post(START)
    run = ReplayRun.objects.get()
    assert answer.url == page_of(run)
    waiting = root.get(answer.url).content.decode()
    assert "Waits for a worker" in waiting
    assert "<progress" in waiting
    assert f'href="{page_of(run)}">See how far it is' in waiting
    assert f'hx-get="{page_of(run)}"' in waiting

    runner.run_next()
    done = root.get(answer.url).content.decode()
    assert "hx-get" not in done
    assert "<strong>1</strong> No longer needs review" in done
    assert "Move it to Social" in done
    assert "people decide" in done


def test_htmx_gets_the_panel_alone(world, root):
    run = replay_runs.ask(document=publish.document(), by=None)
    ReplayRun.objects.update(total=200, done=50)
    panel = root.get(page_of(run), headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith("<section")
    assert 'value="25"' in panel
    assert "50 of 200 proposals judged" in panel


def test_a_version_can_be_tried_too(world, root):
    number = PolicyVersion.objects.latest("number").number
    root.post(START, {"version": number})
    assert ReplayRun.objects.get().version == number
    assert f"Version {number} of the policy" in root.get(page_of(ReplayRun.objects.get())).content.decode()
    for wrong in ("99999", "x", "-1", "9" * 30):
        assert root.post(START, {"version": wrong}).status_code == 404


def test_asking_leads_back_only_within_the_portal(world, root):
    assert root.post(START, {"next": "/admin/policies/"}).url == "/admin/policies/"
    assert root.post(START, {"next": "https://evil.example/"}).url == page_of(ReplayRun.objects.get())


def test_who_may_ask_and_who_may_read(world):
    run = replay_runs.ask(document=publish.document(), by=None)
    runner.run_next()
    stranger, reader = signed_in(), signed_in("view_policyversion")
    publisher = signed_in("view_policyversion", "ask_loosening")
    assert stranger.get(page_of(run)).status_code == 403
    read = reader.get(page_of(run))
    assert read.status_code == 200
    assert b"Replay again" not in read.content
    assert [client.post(START).status_code for client in (stranger, reader, publisher)] == [403, 403, 302]
    assert b"<strong>1</strong> No longer needs review" in read.content
    assert b"Move it to Social" not in read.content
    assert reader.get(START).status_code == 405
    assert reader.post(page_of(run)).status_code == 405
    assert reader.get(f"{START}999999/").status_code == 404


def test_a_failed_one_says_why(world, root):
    document = publish.document() | {"rules": {"one": {"condition": "amont > 1", "decision": "deny"}}}
    run = replay_runs.ask(document=document, by=None)
    runner.run_next()
    page = root.get(page_of(run)).content.decode()
    assert "There is no fact amont" in page
    assert "Replay again" in page


def test_any_page_can_show_the_panel(world, rf: RequestFactory):
    request = rf.get("/admin/somewhere/")
    request.user = User.objects.create_superuser("root")
    document = publish.document()
    digest = canonical.digest(canonical.encode(document))
    template = Template("{% load replays %}{% replay_panel digest %}")

    def shown() -> str:
        return template.render(Context({"request": request, "digest": digest}))

    assert "hasn’t been tried" in shown()
    assert 'name="next" value="/admin/somewhere/"' in shown()
    run = replay_runs.ask(document=document, by=None)
    assert f'hx-get="{page_of(run)}"' in shown()
    runner.run_next()
    assert "<strong>1</strong> No longer needs review" in shown()
    request.user = worlds.person("nobody")
    assert shown() == ""


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (45.4, "45 min"), (200, "3 h 20 min"), (180, "3 h"), (100_000, "1,667 h")]
)
def test_minutes_in_words(minutes, words):
    assert duration(minutes) == words
