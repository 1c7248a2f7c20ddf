"""Write the policy's tables as a file, into an older one if there is one, so that its comments stay."""

from policies.policy_files import tables, writing
from policies.policy_files.format import comments
from policies.policy_files.format.shapes import same
from policies.policy_files.reading import PolicyFile, read_files
from policies.policy_files.tables import Entries
from policies.policy_files.yaml_nodes import (
    DocumentInvalid,
    FilePosition,
    FileProblem,
)


class ExportFailed(ValueError):
    """The tables hold something that a policy file cannot say; `problems` says what."""

    code = "policy_export_failed"

    def __init__(self, problems: tuple[FileProblem, ...]) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = problems


def export(into: str | bytes | None = None, *, file: str = "policy.yaml") -> str:
    """Return the tables as a policy file that reads back as exactly the same.

    With `into`, an older policy file called `file`, whatever still holds stays as it stands there,
    comments and all. Raises DocumentInvalid if that file cannot be read, and ExportFailed if the tables
    hold what a file cannot say.
    """
    entries = tables.entries()
    if into is not None:
        older = read_files({file: into})
        plain = into if isinstance(into, str) else into.decode("utf-8")
        text = comments.merged(plain.removeprefix("\ufeff"), older, entries)
        # A file can be written in ways that cannot be patched line by line; then it is written anew.
        if _says(text, entries):
            return text
    text = writing.document({section: [*rows.values()] for section, rows in entries.items()})
    try:
        written = read_files({"export": text})
    except DocumentInvalid as error:
        raise ExportFailed(error.problems) from error
    if not _is_same(written, entries):
        raise ExportFailed((FileProblem(FilePosition("export"), "What was written does not read back as the same."),))
    return text


def _says(text: str, entries: dict[str, Entries]) -> bool:
    try:
        return _is_same(read_files({"export": text}), entries)
    except DocumentInvalid:
        return False


def _is_same(policy: PolicyFile, entries: dict[str, Entries]) -> bool:
    written = {
        section: {key: item.value for key, item in items.items()} for section, items in policy.sections.items() if items
    }
    there = {section: rows for section, rows in entries.items() if rows}
    return written.keys() == there.keys() and all(
        written[section].keys() == rows.keys() and all(same(written[section][key], rows[key]) for key in rows)
        for section, rows in there.items()
    )
