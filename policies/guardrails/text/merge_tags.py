"""Merge tags of the usual mail platforms, and whether each says what stands there when there is no value. PURE.

Works on folded text: lower case, plain quotation marks, nothing invisible. Nothing is repeated without a bound,
so reading stays linear.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

_TAG: Final = re.compile(
    r"""
      \{\{ (?P<curly> (?: [^{}] | \$\{[^{}]{1,100}\} ){1,300} ) \}\}      # Liquid, Handlebars, HubL, Jinja, Marketo
    | \{% (?P<block> [^%{}]{1,300} ) %\}                                  # Liquid, Jinja, HubL
    | \*\| (?P<star> [^|*]{1,200} ) \|\*                                  # Mailchimp
    | %%= (?P<script> [^%]{1,500} ) =%%                                   # AMPscript
    | %%\[ (?P<scripted> [^%]{1,500} ) \]%%
    | %% (?P<twice> [\w.: -]{1,100} ) %%                                  # Marketing Cloud, Account Engagement
    | <%= (?P<server> [^%]{1,300} ) %>                                    # Adobe Campaign, ERB
    | \[\[? (?P<square> [a-z][\w .]{0,80} (?: ,\s?fallback\s?=[^\[\]]{0,100} | \s or \s [^\[\]]{1,100} )? ) \]\]?
    | (?<![%\w]) % (?P<once> [a-z][\w.]{1,80} ) % (?![%\w])               # ActiveCampaign, Mailgun
    | (?<!\{) \{ (?P<single> \$? [a-z][\w.]{0,80} (?: \| [^{}]{1,100} )? ) \} (?!\})   # MailerLite, Sailthru
    """,
    re.VERBOSE,
)
_BLOCKS: Final = frozenset({"block", "scripted"})
_QUOTED: Final = r"""(?:"[^"]{0,200}?[^\s"][^"]{0,200}"|'[^']{0,200}?[^\s'][^']{0,200}')"""
_WORD: Final = r"(?!(?:nil|null|none|blank|empty|true|false)\b)[a-z0-9_$][\w.$]{0,80}"
_FALLBACK: Final = re.compile(
    rf"""
      \|\s?(?:default|fallback|default_if_none|d|ifempty|if_empty)\s?[:(]\s?(?:{_QUOTED}|{_WORD})
    | (?:\bor\b|\|\||\?\?|\?:)\s?{_QUOTED}
    | \?[^:?]{{0,200}}:\s?{_QUOTED}
    | :\s?default\s?=\s?[^\s"']
    | ["']default\s?=\s?[^\s"']
    | \bdefaultifempty\s[^\s]{{1,100}}\s{_QUOTED}
    | \bpersonalization_token\(\s?{_QUOTED}\s?,\s?{_QUOTED}
    | ^\s?(?:var|data):[\w.]{{1,80}}:\s?{_QUOTED}
    | ,\s?fallback\s?=\s?[^\s]
    """,
    re.VERBOSE,
)
_EMPTY_CALL: Final = re.compile(r"\biif\s?\(\s?(?:not\s)?(?:empty|isnull|isnullordefault)\s?\(")
_A_QUOTED: Final = re.compile(_QUOTED)
_STRINGS: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_IDENTIFIER: Final = re.compile(r"[a-z$@_][\w.$-]*(?: [a-z][\w.]*)?")
_DULL: Final = re.compile(r"[\s_${}@-]")
_NEGATED: Final = re.compile(
    r"""\bunless\b|\bnot\b|!(?!=)|\bor\b|(?<![!<>])==?\s?(?:""|''|blank|nil|null|none|empty)"""
)
_BEGINS: Final = re.compile(r"\s?(?:#if|if|#with|#|if:)\s?(?P<condition>.+)")
_ENDS: Final = re.compile(r"\s?(?:/|end)")
_ELSE: Final = re.compile(r"\s?(?:else|elsif|elif|elseif|else:|\^)")
_NOT_EMPTY: Final = re.compile(r"\bnot\s(?:empty|isnull)\s?\(\s?@?([\w.]{1,80})\s?\)")


@dataclass(frozen=True, slots=True)
class MergeTag:
    """A tag that prints something: `names` are what it may be called, `has_fallback` says what if it is empty."""

    start: int
    end: int
    written: str
    names: frozenset[str]
    has_fallback: bool


class _Branch(NamedTuple):
    """An open condition: which names have a value where it holds."""

    names: frozenset[str]


def found(text: str) -> Iterator[MergeTag]:
    """Yield the merge tags of a folded text that print a value, in their order. Cost: linear."""
    branches: list[_Branch] = []
    for tag in _TAG.finditer(text):
        kind = str(tag.lastgroup)
        content = tag[kind].strip(" ~-")
        if _follow(kind, content, branches):
            continue
        names = _names(content)
        has_fallback = _has_fallback(kind, content) or any(names & branch.names for branch in branches)
        yield MergeTag(tag.start(), tag.end(), tag[0], names, has_fallback)


def _follow(kind: str, content: str, branches: list[_Branch]) -> bool:
    """Keep track of conditions; return whether a tag only steers and prints nothing."""
    steers = kind in _BLOCKS or kind == "star" or (kind == "curly" and content.startswith(("#", "/", "^", "else")))
    if not steers:
        return False
    if _ENDS.match(content):
        if branches:
            branches.pop()
        return True
    if _ELSE.match(content):
        if content.startswith("^"):  # Mustache: what stands there where there is no value
            branches.append(_Branch(frozenset()))
        elif branches:
            branches[-1] = _Branch(frozenset())
        return True
    if begins := _BEGINS.match(content):
        branches.append(_Branch(_with_value(begins["condition"])))
        return True
    if content.startswith("unless"):
        branches.append(_Branch(frozenset()))
        return True
    return kind in _BLOCKS


def _with_value(condition: str) -> frozenset[str]:
    """Return the names that have a value where a condition holds; none where that is not plain."""
    if scripted := _NOT_EMPTY.search(condition):
        return _names(scripted[1])
    return frozenset() if _NEGATED.search(condition) else _names(condition)


def _has_fallback(kind: str, content: str) -> bool:
    if kind == "script":
        call = _EMPTY_CALL.search(content)
        return call is not None and _A_QUOTED.search(content, call.end()) is not None
    return _FALLBACK.search(content) is not None


def _names(content: str) -> frozenset[str]:
    """Return the names in a tag as they are compared: whole, and without what stands before the last dot."""
    written = _IDENTIFIER.findall(_STRINGS.sub(_quoted_name, content).replace("${", " ").replace("}", " "))
    plain = {part for name in written for part in (name, *name.split(" "))}
    return frozenset(
        comparable(part) for name in plain for part in (name, name.rpartition(".")[2], name.rpartition(":")[2])
    )


def _quoted_name(string: re.Match[str]) -> str:
    """Return the name in quotation marks, as in `personalization_token("contact.firstname", …)`; not a sentence."""
    return f" {string[0][1:-1]} " if re.fullmatch(r"[\"'][\w.]{1,80}[\"']", string[0]) else " "


def comparable(name: str) -> str:
    """`First Name`, `first_name` and `FIRSTNAME` are the same name."""
    return _DULL.sub("", name.lower())
