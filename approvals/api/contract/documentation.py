"""The OpenAPI document."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from approvals.api.http.base import ApiView

CONTENT_TYPE = "application/vnd.oai.openapi+json;version=3.1"


class SchemaView(ApiView):
    """`schema/`: the same for everybody."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the OpenAPI 3.1 document."""
        return HttpResponse(_document(), content_type=CONTENT_TYPE)


@cache
def _document() -> bytes:
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, ensure_ascii=False).encode()
