"""A form for a payload: what its schema describes as fields, and everything else as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from approvals.admin.editing import schema as editing_schema
from approvals.admin.editing.fields import JsonArea, dump, field_of
from approvals.admin.editing.tree import MOST_ROWS, NEW, REST, ROWS, FieldGroup, Leaf, Node, RowList
from policies.engine.payloads import FieldError

ROLLBACK: Final = "rollback"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One part of the form as the template draws it: a field, a group of parts, or the rows of a list."""

    kind: str
    label: str
    name: str
    help: str = ""
    token: str = ""
    field: forms.BoundField | None = None
    children: Sequence["Drawn"] = ()
    errors: Sequence[str] = ()
    is_required: bool = False
    may_add: bool = False
    has_focus: bool = False
    tokens: str = ""


class PayloadForm(forms.Form):
    """Edits a payload. `payload()` gives it back with everything that nobody changed untouched."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=71, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Why you change it"), required=False, max_length=2000, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, data: Any, *, schema: Mapping[str, Any], payload: Any, as_json: bool, **kwargs: Any) -> None:
        # After a row was added or taken away the form is drawn anew from what was typed, without complaints.
        self.typed = kwargs.pop("typed", None)
        self.focus, self.focus_mark = "", "autofocus"
        super().__init__(data, **kwargs)
        known = data if data is not None else self.typed
        tree = None if as_json else editing_schema.lay_out(schema, payload, _sent(known))
        self.tree: FieldGroup | None = tree
        self.placed: dict[str, list[str]] = {}
        for leaf in editing_schema.leaves(tree) if tree else ():
            self.fields[leaf.name] = field_of(leaf)
        if tree is None:
            self.fields[REST] = JsonArea(label=_("Payload, as JSON"), initial=dump(payload), rows=18)
        self.fields[ROLLBACK] = JsonArea(
            label=_("Rollback payload, as JSON"),
            required=False,
            rows=4,
            help_text=_(
                "What reverses the edited action. Without it, the action can’t be rolled back from the portal."
            ),
        )
        for name in self.fields if self.typed is not None else ():
            self.initial[name] = self.typed.get(name, "")

    @classmethod
    def with_rows(cls, typed: QueryDict, *, is_part: bool = False, **kwargs: Any) -> Self:
        """Return the form as it was typed, with the row that a button adds or takes away.

        As a part of a page that is there already (`is_part`), the page's script gives the focus: browsers do it
        for a whole page only, and complain where something has the focus by then.
        """
        changed = typed.copy()
        place = typed.get("add") or ""
        if place:
            tokens = _tokens(typed.get(ROWS + place, ""))
            numbers = [int(token.removeprefix(NEW)) for token in tokens if token[:1] == NEW and token[1:].isdecimal()]
            if len(tokens) < MOST_ROWS:
                tokens.append(f"{NEW}{max(numbers, default=0) + 1}")
        else:
            place, _dot, gone = typed.get("remove", "").rpartition(".")
            tokens = [token for token in _tokens(typed.get(ROWS + place, "")) if token != gone]
        changed[ROWS + place] = ",".join(tokens)
        form = cls(None, typed=changed, **kwargs)
        form.focus, form.focus_mark = place, "data-focus" if is_part else "autofocus"
        if typed.get("add") and tokens:
            form._begin_at(f"{place}.{tokens[-1]}")
        return form

    def _begin_at(self, prefix: str) -> None:
        """Let the first field of this part have the focus."""
        first = next((name for name in self.fields if name == prefix or name.startswith(f"{prefix}.")), None)
        if first:
            self.fields[first].widget.attrs[self.focus_mark] = True
            self.focus = ""

    def payload(self) -> Any:
        """Return the edited payload; call it on a valid form."""
        return self.cleaned_data.get(REST) if self.tree is None else editing_schema.answer(self.tree, self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        """Refuse JSON that could not be put together with the fields beside it."""
        cleaned = super().clean() or self.cleaned_data
        for group in _groups(self.tree) if self.tree else ():
            rest = group.rest.name if group.rest else ""
            if rest not in cleaned:
                continue
            if not isinstance(cleaned[rest], dict):
                self.add_error(rest, _("This must stay an object: { … }."))
            elif twice := sorted(set(cleaned[rest]) & set(group.members)):
                self.add_error(rest, _("These have fields of their own: %s.") % ", ".join(twice))
        return cleaned

    def add_faults(self, faults: Sequence[FieldError]) -> None:
        """Put each fault at its field, or else at the part of the form that is nearest to it."""
        for fault in faults:
            if fault.pointer.startswith("/rollback"):
                self.add_error(ROLLBACK, f"{fault.pointer.removeprefix('/rollback') or '/'}: {fault.detail}")
            elif fault.pointer == "/note":
                self.add_error("note", fault.detail)
            elif self.tree is None or not fault.pointer.startswith("/payload"):
                place = fault.pointer.removeprefix("/payload") or "/"
                self.add_error(REST if REST in self.fields else None, f"{place}: {fault.detail}")
            else:
                self._place(self.tree, fault)

    def _place(self, tree: FieldGroup, fault: FieldError) -> None:
        path = [part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[2:]]
        node, below = editing_schema.locate(tree, path, self.cleaned_data)
        sentence = f"/{'/'.join(below)}: {fault.detail}" if below else fault.detail
        if isinstance(node, Leaf):
            self.add_error(node.name, sentence)
        elif node is tree:
            self.add_error(None, sentence)
        else:
            self.placed.setdefault(node.name, []).append(sentence)

    @property
    def has_faults(self) -> bool:
        """Whether anything on the page is marked as wrong."""
        return bool(self.placed) or (self.is_bound and bool(self.errors))

    def said(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the name of each part of the payload and what is wrong there, for a page on which somebody is typing.

        A field that is wrong and that nobody has touched is left out: people are not told that a field is empty
        before they have come to it. The name of the whole is empty.
        """
        yield "", [str(sentence) for sentence in self.non_field_errors()]
        fields = [leaf.name for leaf in editing_schema.leaves(self.tree)] if self.tree else [REST]
        for name in (*fields, ROLLBACK):
            errors = [str(sentence) for sentence in self.errors.get(name, ())]
            if not errors or name in self.changed_data:
                yield name, errors
        for node in _inner(self.tree) if self.tree else ():
            yield node.name, self.placed.get(node.name, ())

    @property
    def parts(self) -> Sequence[Drawn]:
        """What the template draws, in the schema's order."""
        return self._drawn(self.tree).children if self.tree else ()

    @property
    def rest_field(self) -> forms.BoundField | None:
        """The JSON beside the fields, or all of it."""
        return self[REST] if REST in self.fields else None

    def _drawn(self, node: Node, token: str = "", number: int = 0) -> Drawn:
        errors = self.placed.get(node.name, ())
        label = node.label if not number else str(_("%(label)s %(number)s")) % {"label": node.label, "number": number}
        if isinstance(node, Leaf):
            field = self[node.name]
            field.label = label.strip()
            return Drawn("leaf", label, node.name, token=token, field=field, is_required=node.is_required)
        helped = str(node.rules.get("description") or "")
        if isinstance(node, RowList):
            rows = [self._drawn(row, key, place) for place, (key, row) in enumerate(node.rows.items(), start=1)]
            return Drawn(
                "rows", label, node.name, helped, token, None, rows, errors, node.is_required,
                may_add=len(node.rows) < MOST_ROWS, has_focus=self.focus == node.name, tokens=",".join(node.rows),
            )  # fmt: skip
        children = [self._drawn(member) for member in node.members.values()]
        if node.rest and node is not self.tree:
            children.append(Drawn("leaf", "", node.rest.name, field=self[node.rest.name]))
        return Drawn("group", label, node.name, helped, token, None, children, errors, node.is_required)


def _groups(node: Node) -> list[FieldGroup]:
    return [part for part in [node, *_inner(node)] if isinstance(part, FieldGroup)]


def _inner(node: Node) -> Iterator[FieldGroup | RowList]:
    """Yield the groups and lists below a part."""
    if isinstance(node, Leaf):
        return
    for child in (node.members if isinstance(node, FieldGroup) else node.rows).values():
        if not isinstance(child, Leaf):
            yield child
            yield from _inner(child)


def _sent(data: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the rows of each list as the form that came back had them."""
    if data is None:
        return {}
    return {name.removeprefix(ROWS): _tokens(data[name]) for name in data if name.startswith(ROWS)}


def _tokens(text: str) -> list[str]:
    return [token for token in text.split(",") if token]
