"""The rehearsal's browser against pages of the portal."""

from collections.abc import Iterator

import pytest

from hitlportal.demo.browser import Browser, PageUnexpected
from tests.world import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(live_server) -> Iterator[Browser]:
    person("olga")
    browser = Browser(live_server.url)
    yield browser
    browser.close()  # or a thread of the server would keep its database connection


def test_it_signs_in_over_the_form_and_sees_the_admin(browser):
    after = browser.sign_in("olga", "a long enough password")
    assert after.url.endswith("/admin/")
    assert after.form_with_field("csrfmiddlewaretoken")


def test_a_wrong_password_is_noticed(browser):
    with pytest.raises(PageUnexpected, match="olga could not sign in"):
        browser.sign_in("olga", "wrong")


def test_a_form_that_is_not_there_is_named(browser):
    page = browser.open("/accounts/login/")
    with pytest.raises(PageUnexpected, match="no form with"):
        page.form(verdict="approve")
    with pytest.raises(PageUnexpected, match="a field nonsense"):
        page.form_with_field("nonsense")
