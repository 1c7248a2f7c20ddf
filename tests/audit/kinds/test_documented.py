"""The documents and the command tell of every kind of entry."""

import json
from io import StringIO

import jsonschema
from django.conf import settings
from django.core.management import call_command

from audit.kinds import registry
from tests.audit.kinds.test_written import DECLARED

NAMES = sorted(kind.name for kind in DECLARED)


def printed(*options: str) -> str:
    out = StringIO()
    call_command("ledger", "kinds", *options, stdout=out)
    return out.getvalue().strip()


def _lines(table: str) -> list[str]:
    """Leave out kinds that other tests have made up."""
    made_up = {kind.name for kind in registry.known()} - {*NAMES}
    return [line for line in table.splitlines() if line.split("`")[1:2] not in [[name] for name in made_up]]


def test_the_document_has_the_table_that_the_command_prints() -> None:
    text = (settings.BASE_DIR / "docs" / "compliance.md").read_text(encoding="utf-8")
    documented = text.partition("<!-- kinds -->\n")[2].partition("\n<!-- /kinds -->")[0]
    assert documented.splitlines() == _lines(printed())
    assert len(documented.splitlines()) == len(NAMES) + 2


def test_the_schemas_are_json_schemas() -> None:
    schemas = json.loads(printed("--json"))
    assert {*NAMES} <= {*schemas}
    for name in NAMES:
        jsonschema.Draft202012Validator.check_schema(schemas[name]["data"])
        assert schemas[name]["meaning"].endswith(".")
