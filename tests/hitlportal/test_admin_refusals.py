"""Whatever the database refuses to save or to delete, the admin says so, and says nothing of success."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, RequestFactory

from approvals.models import NoticeRule, OutsideAddress
from audit.admin.refusals import RefusableAdmin
from audit.models import Entry
from policies.models import (
    Calendar,
    Escalation,
    Guardrail,
    Limit,
    Loosening,
    Mandate,
    PolicyTest,
    Requirement,
    Rule,
    Tuning,
)  # fmt: skip
from tests import world as worlds
from tests.hitlportal.test_admin_crawl import world  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(world):  # noqa: F811
    """Something in every table that can be edited."""
    Rule.objects.create(slug="law", decision="require_approval")
    Limit.objects.create(
        slug="spend", measure="count", per="surface", window="rolling", length=timedelta(days=1), limit=5, effect="deny"
    )
    Guardrail.objects.create(
        slug="hype", kind="forbidden_phrases", effect="flag", config={"phrases": ["free"]}, text="No"
    )
    PolicyTest.objects.create(slug="small", facts={"surface": "pricing"}, outcome="require_approval")
    Calendar.objects.create(slug="office", time_zone="UTC", monday="09:00-17:00")
    Escalation.objects.create(surface_id="pricing", level=1, role_id=worlds.OWNER, after=timedelta(hours=1))
    Requirement.objects.all().delete()  # what the samples ask of roles that nobody holds cannot be saved again
    worlds.requirement("pricing", worlds.OWNER)
    Tuning.objects.create(role_id=worlds.OWNER, surface_id="pricing")
    NoticeRule.objects.create(kind="decided", role_id=worlds.OWNER)
    return world


@pytest.fixture
def root(rows):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


class Fields(HTMLParser):
    """What a browser would send of the change form, had nobody touched it."""

    def __init__(self, page):
        super().__init__()
        self.values, self._select, self._text = {}, None, None
        self._is_inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        words = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = words.get("id", "").endswith("_form")
        if not self._is_inside:
            return
        name = words.get("name", "")
        if tag == "input" and name and words.get("type") not in {"submit", "file"}:
            is_box = words.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in words:
                self.values.setdefault(name, []).append(words.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in words:
            self.values.setdefault(self._select, []).append(words.get("value", ""))
        elif tag == "textarea":
            self._text = name
            self.values[name] = [""]

    def handle_data(self, data):
        if self._text:
            self.values[self._text][0] += data.removeprefix("\n").removeprefix("\r\n")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._text = None
        elif tag == "select":
            self._select = None


def editable(kind):
    """Return the admins that let a superuser do `kind`: add, change or delete."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    found = [one for one in admin.site._registry.values() if getattr(one, f"has_{kind}_permission")(request)]
    return sorted(found, key=lambda one: one.opts.label)


NAMES = {kind: [one.opts.label_lower for one in editable(kind)] for kind in ("add", "change", "delete")}


def model_of(name):
    return next(model for model in admin.site._registry if model._meta.label_lower == name)


def page_of(model, row=None, end="change"):
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return base + (f"{str(row.pk).replace('_', '_5F')}/{end}/" if row else "add/")


def row_of(model):
    if model is User:
        return User.objects.create_user("somebody")
    if model is Group:
        return Group.objects.create(name="Helpers")
    if model is OutsideAddress:
        return OutsideAddress.objects.create(name="New", url="discord://a/b")
    row = model._default_manager.order_by("pk").first()
    assert row is not None, f"the test has no {model._meta.label}"
    return row


def refuse(model, when):
    """Let the database refuse every change of a table: at once, as a trigger does, or at the end, as a key does."""
    timing = "BEFORE" if when == "at once" else "AFTER"
    kind, end = ("", "") if when == "at once" else ("CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "CREATE FUNCTION pg_temp.refuse_for_a_test() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
        )
        cursor.execute(
            f"CREATE {kind} TRIGGER zz_refuse {timing} INSERT OR UPDATE OR DELETE ON {model._meta.db_table} {end} "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse_for_a_test()"
        )


def must_say_so(answer, *, may_be_in_form=False):
    told = [(message.level_tag, str(message)) for message in answer.context["messages"]]
    assert answer.status_code == 200
    assert "success" not in dict(told), told
    in_form = may_be_in_form and "errornote" in answer.content.decode()
    faults = answer.context["adminform"].form.errors if "adminform" in answer.context else ""
    assert in_form or any(level == "error" and "Nothing was changed" in text for level, text in told), (told, faults)


@pytest.mark.parametrize("when", ["at once", "at the end"])
@pytest.mark.parametrize("name", NAMES["change"])
def test_a_refused_change_is_told(root, name, when):
    model = model_of(name)
    row = row_of(model)
    values = Fields(root.get(page_of(model, row)).content.decode()).values
    assert values
    before = model._default_manager.filter(pk=row.pk).values().get()
    entries = Entry.objects.count()
    refuse(model, when)
    if model is Mandate:  # giving more oversight happens at once
        values |= {"tier": ["human_only"]}
    must_say_so(root.post(page_of(model, row), values, follow=True))
    assert model._default_manager.filter(pk=row.pk).values().get() == before
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("when", ["at once", "at the end"])
@pytest.mark.parametrize("name", NAMES["add"])
def test_a_refused_addition_is_told(root, name, when):
    model = model_of(name)
    values = Fields(root.get(page_of(model, row_of(model))).content.decode()).values
    for key in ("slug", "name", "username"):
        if key in model._meta._forward_fields_map:
            values[key] = ["another"]
    if model is User:
        values |= {"usable_password": ["true"], "password1": ["correct horse 7"], "password2": ["correct horse 7"]}
    if model is Tuning:
        values = {"role": [worlds.OWNER], "surface": ["ads.budget"], "note": ["They know it best."]}
    count = model._default_manager.count()
    refuse(Loosening if model is Tuning else model, when)  # a tuning right is asked for
    must_say_so(root.post(page_of(model), values, follow=True), may_be_in_form=True)
    assert model._default_manager.count() == count


@pytest.mark.parametrize("when", ["at once", "at the end"])
@pytest.mark.parametrize("name", NAMES["delete"])
def test_a_refused_deletion_is_told(root, name, when):
    model = model_of(name)
    row, entries = row_of(model), Entry.objects.count()
    refuse(model, when)
    must_say_so(root.post(page_of(model, row, "delete"), {"post": "yes"}, follow=True))
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    base = page_of(model).removesuffix("add/")
    if "delete_selected" in root.get(base).content.decode():
        must_say_so(root.post(base, chosen, follow=True))
    assert model._default_manager.filter(pk=row.pk).exists()
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("name", NAMES["delete"])
def test_rows_that_others_name_are_kept_or_go_whole(root, name):
    """With the real keys and triggers: a deletion happens and says so, or does not and says that."""
    model = model_of(name)
    for row in model._default_manager.exclude(pk=User.objects.get(username="root").pk if model is User else None):
        answer = root.post(page_of(model, row, "delete"), {"post": "yes"}, follow=True)
        if answer.status_code == 403:  # what would go with it may not be deleted by anybody
            assert "permission to delete" in root.get(page_of(model, row, "delete")).content.decode()
            assert model._default_manager.filter(pk=row.pk).exists()
            continue
        assert answer.status_code == 200
        is_gone = not model._default_manager.filter(pk=row.pk).exists()
        says_so = any(message.level_tag == "success" for message in answer.context["messages"])
        connection.check_constraints()
        assert is_gone == says_so or (model is Mandate and is_gone)


def test_every_admin_that_saves_can_tell_of_refusals():
    savers = {one for kind in NAMES for one in editable(kind)}
    assert len(savers) >= 16
    assert [one for one in savers if not isinstance(one, RefusableAdmin)] == []
