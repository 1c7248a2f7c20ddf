"""The evidence pack from the proposal's page, opened in a browser without a network."""

import re
import zipfile
from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import expect

from audit.models import Entry
from tests import world as worlds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pack(world, tmp_path):
    """The pack of an approved proposal, as somebody of compliance downloads it, unzipped in an empty folder."""
    proposal = world.propose(title="Move <b>$4,000</b>")
    world.approve(proposal, comment="Fine with me – Größe passt.")
    reader = worlds.person("auditor", worlds.OWNER)
    reader.user_permissions.add(Permission.objects.get(codename="view_entry"))
    client = Client()
    client.force_login(reader)
    address = f"/admin/approvals/proposal/{proposal.pk}/"
    assert "Download evidence" in client.get(address).content.decode()
    answer = client.post(f"{address}evidence/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert Entry.objects.filter(kind="evidence.exported", actor=f"user:{reader.pk}").count() == 1
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def offline(browser):
    """A page of a browser without a network, and the addresses that it asked for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "request", lambda request: page.complaints.append(request.url) if "report.html" not in request.url else None
    )
    yield page
    assert page.complaints == []
    context.close()


def test_it_verifies_itself_offline(pack, offline):
    offline.goto(f"file://{pack}/report.html")
    expect(offline.locator("#verdict")).to_have_text("Verified")
    assert offline.locator("#rows tr").count() >= 2
    assert offline.locator("#rows tr.bad").count() == 0
    assert offline.locator("#files li.good").count() == 2, "the revision and the policy version"
    expect(offline.locator("#rows")).to_contain_text("proposal.decided")


@pytest.mark.parametrize(
    ("pattern", "changed", "row"),
    [
        pytest.param(r"(proposal\.)(decided)", r"\1decidee", 2, id="a-kind"),
        pytest.param("Größe", "Grüße", 2, id="a-comment"),
        pytest.param(r"(\"salt\":\")(.)", r"\1g", 1, id="a-salt"),
        pytest.param(r"(class=\"entry\">\{)", r"\1,", 1, id="broken-json"),
    ],
)
def test_one_changed_byte_and_the_page_names_the_row(pack, offline, pattern, changed, row):
    path = pack / "report.html"
    text = path.read_text(encoding="utf-8")
    head, data = text.split('<script type="application/json" class="entry">', 1)
    altered = re.sub(pattern, changed, '<script type="application/json" class="entry">' + data, count=1)
    assert altered != '<script type="application/json" class="entry">' + data
    path.write_text(head + altered, encoding="utf-8")
    offline.goto(f"file://{path}")
    expect(offline.locator("#verdict")).to_have_text("Not verified")
    expect(offline.locator("#faults li").first).to_contain_text(f"Row {row}")
    assert offline.locator("#rows tr.bad").count() == 1
    assert offline.locator("#rows tr").nth(row - 1).get_attribute("class") == "bad"


def test_a_changed_payload_or_checkpoint_is_named(pack, offline):
    path = pack / "report.html"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('{\\"amount\\":4000', '{\\"amount\\":4001', 1), encoding="utf-8")
    offline.goto(f"file://{path}")
    expect(offline.locator("#faults")).to_contain_text("File payloads/revision-1.json")
    path.write_text(good.replace("ledger\\n", "ledger\\n1", 1), encoding="utf-8")
    offline.goto(f"file://{path}")
    expect(offline.locator("#verdict")).to_have_text("Not verified")
    expect(offline.locator("#faults")).to_contain_text("the signature does not fit")


def test_without_ed25519_it_says_so(pack, offline):
    offline.add_init_script(
        "const real = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = async (...given) => given[2].name === 'Ed25519'"
        " ? Promise.reject(new DOMException('no', 'NotSupportedError')) : real(...given);"
    )
    offline.goto(f"file://{pack}/report.html")
    expect(offline.locator("#verdict")).to_have_text("Verified but for the signature")
