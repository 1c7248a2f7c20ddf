"""The page after signing in: the desk for those who decide, else the overview."""

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from approvals.people import eligibility


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead anyone who is signed in to where their work is, and everybody else to the sign-in page."""
    person = request.user
    if not isinstance(person, User):
        return redirect_to_login(request.get_full_path(), "account_login")
    return redirect("admin:desk" if person.is_staff and person.has_perm(eligibility.DECIDE) else "admin:index")
