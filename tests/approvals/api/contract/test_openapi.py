"""The OpenAPI document says what the API does."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from approvals.api import urls
from tests.approvals.api.conftest import V1


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = Client().get(V1 + "schema/")
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    return json.loads(answer.content)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in operations(document):
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {kind}", body
        for status, answer in operation["responses"].items():
            for kind, body in answer.get("content", {}).items():
                yield f"{name} {status} {kind}", body


def test_it_is_valid_and_without_warnings(tmp_path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    assert set(document["components"]["securitySchemes"]) == {"agentKey", "grant", "personSession"}


def test_every_address_is_in_it(document: dict[str, Any]) -> None:
    described = {path.removeprefix(V1) for path in document["paths"]}
    addresses = {str(pattern.pattern).replace("<uuid:", "{").replace(">", "}") for pattern in urls.urlpatterns}
    assert described == addresses - {"schema/"}


def test_every_example_meets_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for name, body in bodies(document):
        for example in body.get("examples", {}).values():
            schema = {**body["schema"], "components": document["components"]}
            errors = [
                error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(example["value"])
            ]
            assert not errors, (name, errors)
            checked += 1
    assert checked > 30


def test_every_operation_has_examples_of_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    for name, body in bodies(document):
        if "problem" not in name:
            assert body.get("examples"), name
