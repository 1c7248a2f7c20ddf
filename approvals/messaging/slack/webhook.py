"""The endpoint for Slack's buttons: verifies the signature first, then hands the call on."""

import json
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from approvals.messaging.slack import decisions, signatures
from audit.clock import database_now


@csrf_exempt  # the signature over the raw body proves where it comes from
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Carry out a press that Slack has signed in the last five minutes, once."""
    if not settings.SLACK_SIGNING_SECRET:
        raise Http404
    signature, at = request.headers.get("X-Slack-Signature", ""), database_now()
    is_genuine = signatures.is_genuine(
        settings.SLACK_SIGNING_SECRET,
        timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
        signature=signature,
        body=request.body,
        at=at,
    )
    if not is_genuine:
        return JsonResponse({"text": _("This call is not signed by Slack, or it is too old.")}, status=403)
    if not decisions.is_first(signature, at=at):
        return JsonResponse({"text": _("This call was answered already.")}, status=409)
    pressed = decisions.read(_payload(request.body))
    return JsonResponse({"text": decisions.press(pressed)}) if pressed else HttpResponse()


def _payload(body: bytes) -> Any:
    """Return what a form carries as `payload`; None where it carries no JSON."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
        return json.loads(fields.get("payload", [""])[0])
    except (ValueError, RecursionError):
        return None
