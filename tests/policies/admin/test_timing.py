"""Calendars and escalations are edited in the admin, and checked before they can do harm."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from policies.models import Calendar, Escalation, PolicyVersion, Surface
from policies.publishing.publish import active_policy, pending
from tests import world as worlds
from tests.world import OWNER, person

pytestmark = pytest.mark.django_db
WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-17:00")


@pytest.fixture
def world():
    return worlds.build()


@pytest.fixture
def admin(world) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="a long enough password"))
    return client


def save(admin: Client, **fields):
    row = {"slug": "office", "time_zone": "Europe/Berlin", **WEEK, "holidays": "", **fields}
    return admin.post("/admin/policies/calendar/add/", row)


def test_holidays_are_filled_in_by_country_and_year(admin):
    assert save(admin, holidays="2026-12-24", country="DE", year="2026").status_code == 302
    calendar = Calendar.objects.get()
    assert {date(2026, 12, 24), date(2026, 12, 25), date(2026, 10, 3)} <= set(calendar.holidays)
    assert date(2026, 3, 8) not in calendar.holidays
    again = {"time_zone": "UTC", **WEEK, "holidays": "2026-12-25", "country": "DE", "region": "BE", "year": "2026"}
    assert admin.post("/admin/policies/calendar/office/change/", again).status_code == 302
    assert date(2026, 3, 8) in Calendar.objects.get().holidays


def test_the_list_shows_the_week_in_short_and_how_far_holidays_reach(admin, world):
    halves = {"wednesday": "09:00-12:00", "friday": "09:00-15:00"}
    save(admin, **halves, holidays="2026-12-25,2027-01-01")
    save(admin, slug="night", **dict.fromkeys(WEEK, ""), sunday="20:00-24:00")
    Surface.objects.filter(pk="ads.budget").update(calendar="office")
    said = admin.get("/admin/policies/calendar/").content.decode()
    assert "Mon–Tue 09:00-17:00; Wed 09:00-12:00; Thu 09:00-17:00; Fri 09:00-15:00" in said
    assert "2, until 2027-01-01" in said
    assert '<td class="field-used_by">ads.budget</td>' in said
    assert "Sun 20:00-24:00" in said


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"monday": "9 to 5"}, "Write hours such as 09:00-17:00"),
        (dict.fromkeys(WEEK, ""), "Somebody has to work on some day"),
        ({"time_zone": "Mars/Base"}, "There is no time zone"),
        ({"country": "DE"}, "Choose country and year together"),
        ({"country": "DE", "year": "2026", "region": "XX"}, "There is no such region"),
    ],
)
def test_a_calendar_that_cannot_work_is_refused_with_the_reason(admin, fields, says):
    answer = save(admin, **fields)
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert not Calendar.objects.exists()


def test_an_escalation_that_would_never_happen_is_refused(admin, world):
    person("exec", "Executive")
    row = {"surface": "ads.budget", "level": "1", "role": "Executive", "after": "48:00:00", "widens": "on"}
    assert "has expired" in admin.post("/admin/policies/escalation/add/", row).content.decode()
    empty = row | {"role": OWNER, "after": "4:00:00"}
    User.objects.filter(groups__name=OWNER).update(is_active=False)
    assert "No one who can sign in" in admin.post("/admin/policies/escalation/add/", empty).content.decode()
    assert admin.post("/admin/policies/escalation/add/", row | {"after": "4:00:00"}).status_code == 302
    assert Escalation.objects.get().widens


def test_a_published_policy_knows_them(world):
    person("exec", "Executive")
    Calendar.objects.create(slug="office", **WEEK)
    Surface.objects.filter(pk="ads.budget").update(calendar="office", distinct_people=True)
    Escalation.objects.create(surface_id="ads.budget", role_id="Executive", after=timedelta(hours=4), widens=True)
    worlds.publish()
    policy = active_policy()
    surface = policy.surfaces["ads.budget"]
    assert surface.calendar is not None
    assert surface.distinct_people
    assert [(row.level, row.role, row.after, row.widens) for row in policy.escalations] == [
        (1, "Executive", timedelta(hours=4), True)
    ]
    assert PolicyVersion.objects.count() == 2


def test_what_cannot_work_is_a_problem_of_the_draft(world):
    worlds.requirement("ads.budget", "Finance", approvals=1)
    worlds.requirement("ads.budget", OWNER, approvals=9)
    Surface.objects.filter(pk="ads.budget").update(distinct_people=True)
    for level, hours in ((1, 5), (2, 4), (3, 30)):
        Escalation.objects.create(
            surface_id="ads.budget", level=level, role_id=OWNER, after=timedelta(hours=hours), widens=True
        )
    Calendar.objects.create(slug="nobody", monday="soon")
    said = " ".join(problem.text for problem in pending().problems)
    assert "No one has the Finance role yet. Assign someone first." in said
    assert "It must come later than level 1" in said
    assert "the proposal has expired by then" in said
    assert "Write hours such as" in said


def test_the_same_people_cannot_count_twice_where_they_have_to_be_distinct(world):
    person("fin", "Finance")
    worlds.requirement("ads.budget", "Finance")
    second = {"stage": 2, "name": "again", "role_id": "Finance"}
    Surface.objects.get(pk="ads.budget").requirements.create(**second)
    assert not pending().problems
    Surface.objects.filter(pk="ads.budget").update(distinct_people=True)
    (problem,) = pending().problems
    assert problem.text == "This needs 2 people with the Finance role, not 1."
