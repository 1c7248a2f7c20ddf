"""Strings that break pages: a published list, and injections written for this portal's own templates.

Every address in the injections is on `evil.example`, so that a request for one shows.
"""

import json
from collections.abc import Iterable
from typing import Any

from tests import vectors

INJECTIONS = (
    "<script>alert(1)</script>",
    "</script><script src=https://evil.example/a.js></script>",
    "<img src=https://evil.example/b.png onerror=alert(2)>",
    '"><img src=https://evil.example/c.png>',
    "'><svg onload=alert(3)>",
    '" onmouseover="alert(4)" autofocus onfocus="alert(5)',
    "' onpointerenter='alert(6)",
    "<svg><script href=https://evil.example/d.js /></svg>",
    "<svg><animate onbegin=alert(7) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=https://evil.example/e.png onerror=alert(8)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(9)>">',
    "<iframe src=https://evil.example/f></iframe>",
    '<iframe srcdoc="<script>parent.alert(10)</script>"></iframe>',
    "<object data=https://evil.example/g></object><embed src=https://evil.example/h>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/i.css>",
    '<meta http-equiv=refresh content="0;url=https://evil.example/j">',
    "<style>@import url(https://evil.example/k.css);*{background:url(https://evil.example/l.png)}</style>",
    '<p style="background:url(https://evil.example/m.png)">',
    '<p style="background:\\75 rl(https://evil.example/n.png)">',
    '<p style="background-image:image-set(url(https://evil.example/o.png) 1x)">',
    "<video poster=https://evil.example/p.png><source src=https://evil.example/q.mp4></video>",
    "<picture><source srcset=https://evil.example/r.png><img srcset=https://evil.example/s.png></picture>",
    "<table background=https://evil.example/t.png><tr><td background=https://evil.example/u.png>x",
    "<form action=https://evil.example/v><button autofocus>Approve</button></form>",
    "<div hx-get=https://evil.example/w hx-trigger=load></div>",
    "<div hx-on::load='alert(11)' hx-trigger='load'></div>",
    "<details open ontoggle=alert(12)>",
    "<body onload=alert(13)>",
    "<a href=javascript:alert(14)>Unsubscribe</a>",
    "<a href='java\tscript:alert(15)'>x</a>",
    "javascript:alert(16)",
    "data:text/html,<script>alert(17)</script>",
    "</title></style></textarea></select></section></div></main><h1>Broken</h1>",
    "</td></tr></table></details><p>Broken",
    "<!-- <p>-- ><!--><!--->",
    "]]><![CDATA[<b>x</b>",
    "{{ 7|add:7 }}{% load i18n %}{% debug %}{{ request }}",
    "{{constructor.constructor('alert(18)')()}}",
    "{{{{{{{{{{{{{{{{{{{{ %}{% *|x|* *|",
    "${alert(19)}`#{7*7}`",
    "%(name)s %s %d {0} {name} %",
    "&lt;script&gt;alert(20)&lt;/script&gt;",
    "&#60;script&#62;alert(21)&#60;/script&#62;",
    "\u2028\u2029\u202e<script>alert(22)</script>\u202c",
    "\ue000<b onclick=alert(23)>\ue001",
    "+ADw-script+AD4-alert(24)+ADw-/script+AD4-",
    "<<script>script>alert(25)<</script>/script>",
    "<scr\x00ipt>alert(26)</script>".replace("\x00", "\x01"),
    "<a" + " x" * 40 + " onclick=alert(27)>",
    "⟨U+0041⟩<mark onclick=alert(28)>",
)


SOURCES = ("injections", "published")


def strings(source: str) -> list[str]:
    """Return the injections, or the published list; skip the test where that is absent."""
    if source == "injections":
        return list(INJECTIONS)
    published: list[str] = json.loads((vectors.folder("naughty") / "blns.json").read_text(encoding="utf-8"))
    return [text for text in published if text.strip()]


def packed(texts: Iterable[str], *, most: int) -> list[str]:
    """Put as many strings on one line as fit into `most` characters; a longer one is alone, and whole."""
    lines = [""]
    for text in texts:
        if lines[-1] and len(lines[-1]) + 1 + len(text) > most:
            lines.append("")
        lines[-1] += f" {text}" if lines[-1] else text
    return lines


def cut(lines: list[str], number: int) -> list[list[str]]:
    """Return the lines, so many at a time."""
    return [lines[start : start + number] for start in range(0, len(lines), number)]


def payload(card: str, lines: list[str]) -> tuple[Any, Any]:
    """Return a payload, and what was before it, with `lines` in every text field that the card draws."""
    one, old = lines[0], lines[-1]
    match card:
        case "email":
            letter = {"subject": one, "preheader": old, "from": {"name": one, "email": old}, "template": one}
            text, html = "\n".join(lines), "\n".join(f"<p>{line}</p>" for line in lines)
            audience = {"segment": one, "size": 3}
            before = {**letter, "subject": f"{one} {old}", "text": f"Before {text}", "html": f"{html}<p>Before</p>"}
            return {**letter, "text": text, "html": html, "audience": audience, "send_at": old}, before
        case "segment":
            rows = [{"field": line, "operator": line, "value": line} for line in lines]
            more = {"sample": [{line: line} for line in lines[:10]], "sync_to": lines[:10]}
            overlaps = [{"segment": line, "size": 1} for line in lines[:10]]
            return {"segment": one, "estimated_size": 1, "conditions": rows, "overlaps": overlaps, **more}, {
                "conditions": rows[:1],
                "sync_to": [f"{old} before"],
            }
        case "journey":
            steps = [{"name": line, "kind": line, "template": line, "condition": line, "wait": line} for line in lines]
            return {"journey": one, "change": "change_wait", "step": one, "steps": steps}, {
                "steps": [{**step, "template": "before"} for step in steps]
            }
        case "budget":
            sums = {line: number for number, line in enumerate(lines)}
            return {"channels": sums, "until": one}, {"channels": dict.fromkeys(lines, 1)}
        case "scoring":
            return {"model": one, "weights": dict.fromkeys(lines, 2)}, {"weights": dict.fromkeys(lines, 1)}
        case "price":
            items = [{"sku": line, "price": 2, "cost": 3} for line in lines]
            return {"items": items, "valid_from": one, "valid_until": old}, dict.fromkeys(lines, 3)
        case "enrichment":
            cells = [dict.fromkeys(part, part[0]) for part in cut(lines, 20)]
            rows = [{"lead": lines[number], "fields": fields} for number, fields in enumerate(cells)]
            known = [{**row, "fields": {name: f"{name} before" for name in row["fields"]}} for row in rows]
            return {"rows": rows, "source": one}, {"rows": known}
        case _:
            long = {f"long {number}": f"{line} {'word ' * 30}" for number, line in enumerate(lines[:12])}
            old_long = {name: f"Before {text}" for name, text in long.items()}
            return {**dict.fromkeys(lines, one), **long}, {**dict.fromkeys(lines, old), **old_long}


def fields(lines: list[str], titles: list[str]) -> dict[str, Any]:
    """Return every text field of a proposal beside its payload, with `lines` in it; titles are short."""
    one = lines[0]
    return {
        "title": titles[0][:300],
        "action": titles[0][:120],
        "rationale": "\n".join(lines),
        "trigger": {line: line for line in lines},
        "evidence": [{"label": line, "value": line, "url": line} for line in lines],
        "metrics": [{"name": line, "current": line, "projected": 1, "unit": line} for line in lines],
        "expected_outcome": {"metric": one, "low": one, "high": one},
        "targets": tuple(dict.fromkeys(line[:200] for line in titles)),
        "tags": tuple(dict.fromkeys(line[:80] for line in titles)),
        "model": {"name": one, one: one},
    }
