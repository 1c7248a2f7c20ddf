"""Walls of the house that import-linter cannot see."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
APPS = ("hitlportal", "approvals", "policies", "audit", "clients")
MOST_MODULES = 9
# A folder of one kind of thing may hold more: tables, kinds of guardrail, schema changes.
MAY_HOLD_MORE = ("models", "migrations", "kinds")
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
# The receiver is one file, to be copied into a service of somebody else's.
TOO_LONG = {"clients.python.hitl_portal.receiver"}


def _modules(*apps: str) -> Iterator[Path]:
    for app in apps or APPS:
        yield from sorted((CHECKOUT / app).rglob("*.py"))


def _is_pure(module: Path) -> bool:
    return bool(re.search(r"\bPURE\b", ast.get_docstring(ast.parse(module.read_text())) or ""))


PURE = [module for module in _modules() if _is_pure(module)]
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns"}


def _dotted(module: Path) -> str:
    return ".".join(module.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def test_the_contract_lists_what_calls_itself_pure():
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (listed,) = [contract["source_modules"] for contract in contracts if "is pure" in contract["name"]]
    packages = {f"{_dotted(module)}." for module in PURE if module.name == "__init__.py"}
    named = {_dotted(module) for module in PURE if not _dotted(module).startswith(tuple(packages))}
    assert sorted(listed) == sorted(named)


def test_no_folder_holds_more_than_nine_modules():
    held = Counter(module.parent for module in _modules() if module.name != "__init__.py")
    crowded = {_dotted(folder): count for folder, count in held.items() if count > MOST_MODULES}
    assert {name for name in crowded if name.rsplit(".", 1)[-1] not in MAY_HOLD_MORE} == set()


def _written() -> list[Path]:
    """Modules that somebody wrote: migrations are mostly generated, and never changed."""
    return [module for module in _modules() if "migrations" not in module.parts]


def test_no_module_is_longer_than_300_lines():
    long = {_dotted(module) for module in _written() if len(module.read_text().splitlines()) > MOST_LINES}
    assert long == TOO_LONG


def test_no_function_is_longer_than_40_lines():
    long = set()
    for module in _written():
        for node in ast.walk(ast.parse(module.read_text())):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION:
                long.add(f"{_dotted(module)}.{node.name}")
    assert long == set()


@pytest.mark.parametrize("app", APPS)
def test_a_public_class_name_is_used_once_per_app(app):
    named: dict[str, list[str]] = {}
    for module in _modules(app):
        if "migrations" in module.parts or "commands" in module.parts:
            continue
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named.setdefault(node.name, []).append(_dotted(module))
    assert {name: places for name, places in named.items() if len(places) > 1} == {}


ACTS = {"found", "said", "told", "asked"}


def _named_for_an_act(tree: ast.AST) -> Iterator[str]:
    """Yield the locals and parameters that say what was done instead of what they hold."""
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    for function in functions:
        for node in ast.walk(function):
            is_stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            name = node.id if isinstance(node, ast.Name) and is_stored else getattr(node, "arg", None)
            if name in ACTS and (is_stored or isinstance(node, ast.arg)):
                yield f"{name} in line {node.lineno}"  # type: ignore[attr-defined]  # both have one


def test_locals_name_the_thing_not_the_act():
    named = {
        _dotted(module): acts
        for module in _written()
        if not module.is_relative_to(CHECKOUT / "clients")
        and (acts := [*_named_for_an_act(ast.parse(module.read_text()))])
    }
    assert named == {}


def test_every_way_to_name_a_local_for_an_act_is_noticed():
    ways = (
        "def f(told): ...",
        "def f(*, asked=None): ...",
        "def f():\n    said = 1",
        "def f():\n    return [found for found in ()]",
        "def f():\n    if (found := 1): ...",
        "f = lambda said: said",
    )
    for way in ways:
        assert [*_named_for_an_act(ast.parse(way))], way
    assert [*_named_for_an_act(ast.parse("def f(): g(said=beside.said)"))] == []


@pytest.mark.parametrize("module", PURE, ids=_dotted)
def test_what_decides_asks_no_clock(module):
    tree = ast.parse(module.read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asked = {call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS}
    assert not asked


def test_only_one_module_reads_the_environment():
    readers = set()
    for app in ("hitlportal", "approvals", "policies", "audit"):
        for path in (CHECKOUT / app).rglob("*.py"):
            text = path.read_text()
            if "os.environ[" in text or "os.environ.get(" in text or "os.getenv(" in text:
                readers.add(str(path.relative_to(CHECKOUT)))
    assert readers == set()


WRITES = {"create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "update", "delete", "save"}
DISPATCH_WORDS = {"Dispatch", "Attempt", "dispatch", "attempt", "dispatches", "attempts"}


def _writes_of_dispatches(tree: ast.AST) -> Iterator[str]:
    """Yield each call, and each assignment to a field, by which a module would write a dispatch or an attempt."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            receiver = node.func.value
            while isinstance(receiver, ast.Attribute | ast.Call):
                inner = receiver.func if isinstance(receiver, ast.Call) else receiver
                if isinstance(inner, ast.Attribute) and inner.attr in DISPATCH_WORDS:
                    yield ast.unparse(node)
                receiver = inner.value if isinstance(inner, ast.Attribute) else inner
            if isinstance(receiver, ast.Name) and receiver.id in DISPATCH_WORDS:
                yield ast.unparse(node)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
                    continue
                if target.value.id in DISPATCH_WORDS and target.attr != "proposal":
                    yield ast.unparse(node)


def test_only_dispatches_writes_dispatches_and_attempts():
    writers = {_dotted(module) for module in _modules() if list(_writes_of_dispatches(ast.parse(module.read_text())))}
    assert writers == {"approvals.shipping.dispatches"}


def test_every_way_to_write_a_dispatch_is_noticed():
    for line in (
        "Dispatch.objects.filter(pk=1).exclude(pk=2).update(status='x')",
        "proposal.dispatches.create(kind='execute')",
        "Dispatch.objects.bulk_create([])",
        "dispatch.save()",
        "dispatch.status = 'waiting'",
    ):
        assert list(_writes_of_dispatches(ast.parse(line))), line


def test_a_kind_of_connector_is_one_module_and_one_row():
    """Nothing else asks which kind a connector is of, but where one is made and where its work is asked for."""
    asking = {
        _dotted(module)
        for module in _modules("approvals", "hitlportal")
        if re.search(r"\bKind\.(PULL|WEBHOOK|GATE)\b", module.read_text())
    }
    assert asking == {"approvals.shipping.kinds", "approvals.api.dispatches"}


def test_every_style_sheet_closes_what_it_opens():
    """What is left open swallows the rules behind it, and no browser complains."""
    sheets = [*CHECKOUT.glob("*/static/*/*.css"), *CHECKOUT.glob("*/*/*/static/*.css")]
    assert len(sheets) > 5
    assert any("cards" in sheet.parts for sheet in sheets)
    for sheet in sheets:
        depth = 0
        for line in re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL).splitlines():
            assert not (depth and line.startswith("@")), f"{sheet.name}: something is open before {line}"
            depth += line.count("{") - line.count("}")
        assert depth == 0, sheet.name
