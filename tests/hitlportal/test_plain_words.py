"""Sentences that people found odd come back nowhere: not on screens, in messages, help texts, output or documents.

Docstrings and comments are for engineers and are not looked at. decisions.md keeps the words of its time.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
TOPS = ("approvals", "audit", "hitlportal", "policies")
ODD = (
    r"approving (moves|changes|sends|writes|empties|saves|sets|raises|lowers|adds|removes|makes|pauses|resumes)\b",
    r"\d+ s later",
    r"once run,? it (can ?not|can’t)",
    r"be rolled back afterwards",
    r"cannot be rolled back from here",
    r"\bmy turn\b",
    r"somebody else[’']s turn",
    r"\bput off( until|…)",
    r"\bhand on(…|$)",
    r"you see it again then",
    r"^one by one$",
    r"one by one, signing in",
    r"^within the hour$",
    r"\balike( together|$)",
    r"decide(d)? together",
    r"untick what should be",
    r"reason, to reject",
    r"asked once more before",
    r"how they stand now",
    r"this is how it stands",
    r"until a worker takes it",
    r"what it should bring",
    r"the agent[’']s case",
    r"^decides$",
    r"usual oversight",
    r"never (gets )?less oversight than",
    r"least oversight this agent",
    r"people already look",
    r"senior look",
    r"a person looks$",
    r"by itself it calls for",
    r"no track record yet",
    r"wants your signature",
    r"^waits for( %s|:)?$",
    r"if nobody answers",
    r"may decide too",
    r"^the same target$",
    r"^saved, it waits",
    r"nobody is left who could",
    r"^undid$",
    r"lies? on (an)?other servers? and",
    r"the whole page, with its history",
    r"who and until when",
    r"nothing in this list fits",
    r"nothing waits( for you)?\b",
    r"what i am told",
    r"^asks you$",
    r"expired undecided",
    r"taken back by",
    r"by what is saved here",
    r"they rest while",
    r"^note it$",
    r"have lent to you",
    r"^leave it on$",
    r"none is engaged",
    r"where it came with a way to",
    r"\blook afterwards",
    r"may go on proposing",
    r"^(gated|freed|milder)$",
    r"the tables say what is in force",
    r"the tables keep what they say",
    r"name at the time",
    r"none is suspended, fails",
    r"changes? that loosens?",
    r"nobody can meet stage",
    r"who are \d",
    r"mismatched input",
    r"^a rule (allows|forbids) this",
    r"look and publish",
    r"days hours:minutes:seconds",
)
BANNED = re.compile("|".join(f"(?:{odd})" for odd in ODD), re.IGNORECASE)


def written(node: ast.expr) -> Iterator[str]:
    """Yield the texts of an argument; what a text is filled with becomes a digit."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "0" for part in node.values)


def of_python(path: Path) -> Iterator[str]:
    """Yield a module's texts but for docstrings, bare strings and names, such as slugs and keys, in small letters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in loose | inside:
            yield from (text for text in written(node) if not (text.isidentifier() and text.islower()))


def of_template(path: Path) -> Iterator[str]:
    """Yield the texts between tags and in `translate`; a number in them stands for what is filled in."""
    text = re.sub(r"\{\{.*?\}\}", "0", path.read_text(encoding="utf-8"))
    yield from re.findall(r'(?:translate|_\()\s*"([^"]*)"', text)
    yield from re.split(r"\{%.*?%\}|<[^>]*>|[\"\n]", text)


def of_document(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield from re.split(r"[|*“”]", line)
        yield line


def read(path: Path) -> Iterator[str]:
    reader = {".py": of_python, ".md": of_document, ".json": of_document}.get(path.suffix, of_template)
    yield from (" ".join(text.split()).strip(" .:") for text in reader(path))


def sources() -> Iterator[Path]:
    for top in (*TOPS, "templates"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and not {"migrations", "static"} & {*path.parts}:
                yield path
    yield from (ROOT / "policies" / "samples").glob("*.json")
    yield from (path for path in (ROOT / "docs").rglob("*") if path.suffix in {".md", ".json"})
    yield ROOT / "README.md"


def test_no_odd_sentence_comes_back() -> None:
    found = []
    for path in sources():
        if path.name == "decisions.md":
            continue
        found += [f"{path.relative_to(ROOT)}: {text[:120]}" for text in read(path) if BANNED.search(text)]
    assert found == []


@pytest.mark.parametrize(
    ("name", "text", "is_odd"),
    [
        ("a.py", '_("My turn")', True),
        ("a.py", 'x = f"{n} s later"', True),
        ("a.py", '"""Put off until later."""\nx = 1', False),
        ("a.py", 'def f():\n    """Nobody is left who could."""\n    return _("No one")', False),
        ("a.html", '<p>{% translate "Who and until when" %}</p>', True),
        ("a.html", "{% blocktranslate %}{{ number }} alike{% endblocktranslate %}", True),
        ("a.html", "<p>{% translate 'Nothing here.' %}</p>", False),
        ("a.md", "Press *Put off…* to hide it.", True),
        ("a.md", "| Expired undecided | | the owner |", True),
        ("a.md", "Decide one by one.", False),
    ],
)
def test_the_reader_finds_what_people_read(tmp_path: Path, name: str, text: str, is_odd: bool) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert any(BANNED.search(line) for line in read(path)) is is_odd
