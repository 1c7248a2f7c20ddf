"""The pages of the way in by e-mail."""

from allauth.core.internal.ratelimit import get_ip
from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from hitlportal.accounts.sign_in import known_devices, link_mail

GONE = 410


class NameForm(forms.Form):
    """Ask for the person whose mailbox the link goes to."""

    login = forms.CharField(
        max_length=User._meta.get_field("username").max_length, validators=[UnicodeUsernameValidator()]
    )


@require_POST
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Say that a link is on its way if there is such an account; the answer is the same for everybody."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return HttpResponseRedirect(reverse("account_login"))
    link_mail.ask(username=form.cleaned_data["login"], address=get_ip(request))
    return TemplateResponse(request, "account/link_asked.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def use(request: HttpRequest) -> HttpResponse:
    """Show what the link does; the button behind it makes this browser known. Programs that follow links do nothing."""
    username = link_mail.username_of(request.GET.get("link", ""))
    if username is None:
        return TemplateResponse(request, "account/link_gone.html", status=GONE)
    if request.method != "POST":
        return TemplateResponse(request, "account/link.html", {"username": username})
    response = HttpResponseRedirect(reverse("account_login"))
    known_devices.remember(request, response, username)
    return response
