"""The OpenAPI document."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from approvals.api.contract import examples
from approvals.api.contract.openapi import call, described
from approvals.api.http.base import ApiView, answer, written

CONTENT_TYPE = "application/vnd.oai.openapi+json;version=3.1"


class SchemaView(ApiView):
    """`schema/`: the same for everybody."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the OpenAPI 3.1 document."""
        return HttpResponse(_document(), content_type=CONTENT_TYPE)


@described(
    get=call(
        "list_links",
        "Where everything is",
        answers_with={200: ("Index", examples.INDEX)},
    )
)
class IndexView(ApiView):
    """The root of the API: the same for everybody."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> HttpResponse:
        """List the addresses to begin with."""
        names = ("surfaces", "evaluations", "proposals", "batch", "uploads", "claim", "schema")
        links = {name: self._http(request).build_absolute_uri(reverse(f"api:{name}")) for name in names}
        return written(answer(200, {"links": links}))


@cache
def _document() -> bytes:
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, ensure_ascii=False).encode()
