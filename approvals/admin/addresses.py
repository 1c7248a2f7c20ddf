"""The portal's own pages within the admin: which address leads to which view."""

from collections.abc import Callable

from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from approvals.admin import absence

View = Callable[..., HttpResponse]

# Each view takes the request and the admin's frame (`each_context`) after it, then what the address names.
PAGES: dict[str, tuple[str, View]] = {
    "absence": ("absence/", absence.page),
}


def of(site: AdminSite) -> list[URLPattern]:
    """Return the addresses of PAGES, open to whoever may enter the admin; the views know who may do what."""
    return [path(route, _page(site, view), name=name) for name, (route, view) in PAGES.items()]


def _page(site: AdminSite, view: View) -> View:
    def framed(request, *args, **kwargs):  # type: ignore[no-untyped-def]
        return view(request, site.each_context(request), *args, **kwargs)

    return site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(framed))
