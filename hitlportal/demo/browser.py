"""A person's browser, as far as a rehearsal needs one: cookies, links and the forms of a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx


class PageUnexpected(RuntimeError):
    """A page is not what a person would have expected here."""


@dataclass(slots=True)
class Form:
    """One form with the values it would send if nothing was filled in."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Page:
    """One page as it came."""

    url: str
    status: int
    text: str
    links: list[str]
    forms: list[Form]

    def form(self, **values: str) -> Form:
        """Return the form that POSTs these values, hidden fields or buttons. Raises PageUnexpected."""
        for form in self.forms:
            if form.method == "post" and all(form.values.get(name) == value for name, value in values.items()):
                return form
        raise PageUnexpected(f"{self.url} ({self.status}) has no form with {values}.")

    def form_with_field(self, name: str) -> Form:
        """Return the form that has a field of this name. Raises PageUnexpected."""
        for form in self.forms:
            if form.method == "post" and name in form.values:
                return form
        raise PageUnexpected(f"{self.url} ({self.status}) has no form with a field {name}.")


class Browser:
    """Opens pages and sends forms, with cookies; follows redirects."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._http = httpx.Client(base_url=site, follow_redirects=True, timeout=30, trust_env=False)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def open(self, address: str) -> Page:
        """GET a page."""
        return _page(self._http.get(address))

    def send(self, page: Page, form: Form, **values: str) -> Page:
        """POST a form of `page`, with `values` filled in."""
        # A browser says where a form was; Django wants to know under HTTPS.
        headers = {"Referer": page.url, "Origin": self._site}
        return _page(self._http.post(urljoin(page.url, form.action), data=form.values | values, headers=headers))

    def sign_in(self, username: str, password: str) -> Page:
        """Sign in through the sign-in page and return what comes after. Raises PageUnexpected."""
        page = self.open("/admin/")
        after = self.send(page, page.form_with_field("password"), login=username, password=password)
        if any("password" in form.values for form in after.forms) or after.status != httpx.codes.OK:
            raise PageUnexpected(f"{username} could not sign in: {after.status} at {after.url}.")
        return after


def _page(answer: httpx.Response) -> Page:
    reader = _Reader()
    reader.feed(answer.text)
    return Page(str(answer.url), answer.status_code, answer.text, reader.links, reader.forms)


class _Reader(HTMLParser):
    """Collects links and forms."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = {name: value or "" for name, value in attrs}
        if tag == "a" and words.get("href"):
            self.links.append(words["href"])
        elif tag == "form":
            self._form = Form(words.get("action", ""), words.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and words.get("name"):
            self._field(self._form, tag, words)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    @staticmethod
    def _field(form: Form, tag: str, words: dict[str, str]) -> None:
        kind = words.get("type", "text").lower()
        is_chosen = kind not in {"radio", "checkbox"} or "checked" in words
        if tag in {"input", "button", "textarea"} and is_chosen and kind != "file":
            form.values.setdefault(words["name"], words.get("value", ""))
