"""The public keys that verify grants."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from approvals.shipping import grants


@require_safe
@cache_control(public=True, max_age=300)
def jwks(request: HttpRequest) -> JsonResponse:
    """Serve the JSON Web Key Set; retired keys stay in it for as long as their grants may be checked."""
    return JsonResponse(grants.public_keys(), content_type="application/jwk-set+json")
