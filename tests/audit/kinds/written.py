"""Kinds of entries that the portal's code can write, read from its syntax trees.

It starts with the two functions that make entries and follows the kind back through whatever function passes it on, to
the words that stand in the code. What it cannot follow is an error, so that nothing gets past it.
"""

import ast
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
APPS = ("hitlportal", "approvals", "policies", "audit")
MAKERS = ("audit.ledger.entries.entry", "audit.ledger.entries.record")
MODEL = "{model}"
"""Stands for the name of whichever model an admin class is for."""


class Unreadable(AssertionError):
    """The kind of an entry cannot be read from the code."""


@dataclass(frozen=True)
class Writer:
    """A function that writes entries of a kind made of its parameters: `template` with `{parameter}` in it."""

    name: str
    template: str


@dataclass
class Module:
    name: str
    tree: ast.Module
    names: dict[str, str] = field(default_factory=dict)
    """What imported and own names stand for."""
    constants: dict[str, ast.expr] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where an expression stands: its module, and the functions around it, the innermost last."""

    module: Module
    functions: tuple[ast.FunctionDef, ...]
    owner: str

    def fail(self, node: ast.AST) -> Unreadable:
        return Unreadable(f"{self.module.name}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)[:120]}")


class Code:
    """The portal's modules, and the kinds that they write."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.attributes: dict[str, list[tuple[Place, ast.expr]]] = {}
        self.calls: list[tuple[Place, str, ast.Call]] = []
        self.mentions: list[tuple[Place, str, ast.AST]] = []
        for module in modules:
            self._walk(module.tree, Place(module, (), ""))

    def kinds(self) -> dict[str, set[str]]:
        """Return each kind, and the functions in whose code it stands."""
        found: dict[str, set[str]] = {}
        todo = [Writer(name, "{kind}") for name in MAKERS]
        known = {*todo}
        while todo:
            writer = todo.pop()
            for place, call in self._calls_of(writer):
                for kind in self._written(writer, place, call):
                    if _holes(kind):
                        more = Writer(self._name(place, call), kind)
                        todo += [] if more in known else [more]
                        known.add(more)
                    else:
                        found.setdefault(kind, set()).add(f"{place.module.name}:{call.lineno}")
        return found

    def _written(self, writer: Writer, place: Place, call: ast.Call) -> set[str]:
        kinds = {writer.template}
        for hole in _holes(writer.template):
            values = self._argument(place, call, writer, hole)
            kinds = {kind.replace("{" + hole + "}", value) for kind in kinds for value in values}
        return kinds

    def _calls_of(self, writer: Writer) -> Iterator[tuple[Place, ast.Call]]:
        """Yield each call of a writer. One that is handed on, or inherited, could be called unseen."""
        for place, mentioned, node in self.mentions:
            if mentioned == writer.name:
                raise place.fail(node)
        owner, _, name = writer.name.rpartition(".")
        for place, called, call in self.calls:
            if called == writer.name:
                yield place, call
            elif owner not in self.modules and called not in self.functions and called.endswith(f".{name}"):
                raise place.fail(call)

    def _name(self, place: Place, call: ast.Call) -> str:
        if not place.functions:
            raise place.fail(call)
        return f"{place.owner}.{place.functions[-1].name}"

    def _argument(self, place: Place, call: ast.Call, writer: Writer, parameter: str) -> set[str]:
        function = self.functions[writer.name]
        names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
        if names[:1] == ["self"]:
            names = names[1:]
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            raise place.fail(call)
        given = dict(zip(names, call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        if parameter in given:
            return self._values(given[parameter], place)
        default = _default(function, parameter)
        if default is None or (any(keyword.arg is None for keyword in call.keywords) and writer.name in MAKERS):
            raise place.fail(call)
        return self._values(default, Place(self.modules[_module_of(writer.name, self.modules)], (), ""))

    def _values(self, node: ast.expr, place: Place) -> set[str]:
        """Return the texts that an expression may be; a parameter of the function around it stands in braces."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.IfExp(body=body, orelse=orelse):
                return self._values(body, place) | self._values(orelse, place)
            case ast.JoinedStr(values=parts):
                texts = [self._part(part, place) for part in parts]
                return {"".join(each) for each in itertools.product(*texts)}
            case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get"), args=[_, default]):
                return set().union(*(self._values(value, place) for value in [*values, default]))
            case ast.Name(id=name):
                return self._named(name, node, place)
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr="opts"), attr="model_name"):
                return {MODEL}
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.attributes:
                return set().union(*(self._values(value, where) for where, value in self.attributes[name]))
            case ast.Attribute():
                module, _, name = _dotted(node, place.module).rpartition(".")
                if module in self.modules and name in self.modules[module].constants:
                    return self._constant(self.modules[module], name)
        raise place.fail(node)

    def _part(self, part: ast.expr, place: Place) -> set[str]:
        return self._values(part.value if isinstance(part, ast.FormattedValue) else part, place)

    def _named(self, name: str, node: ast.expr, place: Place) -> set[str]:
        for function in reversed(place.functions):
            assigned = list(_assigned(function, name))
            if assigned:
                return set().union(*(self._values(value, place) for value in assigned))
            if name in {one.arg for one in [*function.args.args, *function.args.kwonlyargs]}:
                if function is not place.functions[-1]:
                    raise place.fail(node)
                return {"{" + name + "}"}
        if name in place.module.constants:
            return self._constant(place.module, name)
        module, _, own = place.module.names.get(name, "").rpartition(".")
        if module in self.modules and own in self.modules[module].constants:
            return self._constant(self.modules[module], own)
        raise place.fail(node)

    def _constant(self, module: Module, name: str) -> set[str]:
        return self._values(module.constants[name], Place(module, (), ""))

    def _walk(self, node: ast.AST, place: Place) -> None:
        called = {id(node.func)} if isinstance(node, ast.Call) else set()
        if isinstance(node, ast.Call):
            self.calls.append((place, _dotted(node.func, place.module, place.owner), node))
        for child in ast.iter_child_nodes(node):
            inner = place
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                owner = place.owner or place.module.name
                self.functions[f"{owner}.{child.name}"] = child  # type: ignore[assignment]
                inner = Place(place.module, (*place.functions, child), owner)  # type: ignore[arg-type]
            elif isinstance(child, ast.ClassDef):
                inner = Place(place.module, place.functions, f"{place.module.name}.{child.name}")
                self._keep_attributes(child, inner)
            elif isinstance(child, ast.Name | ast.Attribute) and id(child) not in called:
                self.mentions.append((place, _dotted(child, place.module, place.owner), child))
            self._walk(child, inner)

    def _keep_attributes(self, node: ast.ClassDef, place: Place) -> None:
        for line in node.body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                self.attributes.setdefault(line.targets[0].id, []).append((place, line.value))


def read() -> Code:
    """Read the portal's own code."""
    paths = [path for app in APPS for path in sorted((CHECKOUT / app).rglob("*.py")) if "migrations" not in path.parts]
    return Code([parsed(_module_name(path), path.read_text(encoding="utf-8")) for path in paths])


def parsed(name: str, text: str) -> Module:
    """Read one module."""
    module = Module(name, ast.parse(text))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            module.names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            module.names |= {one.asname or one.name: one.name for one in node.names}
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            module.names[node.name] = f"{name}.{node.name}"
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            module.constants[node.target.id] = node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            module.constants[node.targets[0].id] = node.value
    return module


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def _module_of(function: str, modules: Mapping[str, Module]) -> str:
    name = function.rpartition(".")[0]
    return name if name in modules else name.rpartition(".")[0]


def _dotted(node: ast.expr, module: Module, owner: str = "") -> str:
    """Return what a name, or a chain of names, stands for; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return module.names.get(name, "")
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return f"{owner}.{name}"
        case ast.Attribute(value=value, attr=name):
            known = _dotted(value, module, owner)
            return f"{known}.{name}" if known else ""
    return ""


def _default(function: ast.FunctionDef, name: str) -> ast.expr | None:
    arguments = function.args
    placed = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    defaults = dict(zip((one.arg for one in placed), arguments.defaults, strict=True))
    named = zip((one.arg for one in arguments.kwonlyargs), arguments.kw_defaults, strict=True)
    return {**defaults, **dict(named)}.get(name)


def _assigned(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _to(target, node.value, name)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value is not None:
            yield from _to(node.target, node.value, name)
        elif isinstance(node, ast.For) and any(
            isinstance(one, ast.Name) and one.id == name for one in ast.walk(node.target)
        ):
            yield node.iter


def _to(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple):
        for position, each in enumerate(target.elts):
            if isinstance(each, ast.Name) and each.id == name:
                yield value.elts[position] if isinstance(value, ast.Tuple) else value


def _holes(template: str) -> list[str]:
    """Return the parameters in a template."""
    return [part.partition("}")[0] for part in template.replace(MODEL, "").split("{")[1:]]
