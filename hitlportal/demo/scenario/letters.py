"""The e-mails that the demo's writer proposes. Data only."""

from typing import Final

SENDER: Final = {"name": "The welcome desk", "email": "hello@shop.example"}

_HTML: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title>
<style>
  .sheet {{ width: 100%; max-width: 560px; margin: 0 auto; font-family: Georgia, serif; color: #22304f; }}
  .button {{ display: inline-block; padding: 12px 22px; background: #2a47ae; color: #ffffff; border-radius: 6px; }}
  .small {{ font-size: 12px; color: #6a7388; }}
</style></head>
<body><table class="sheet" role="presentation" cellpadding="0" cellspacing="0">
<tr><td style="padding: 20px 16px; background-color: #eef1f8;">
  <img src="https://images.shop.example/logo.png" alt="Our shop" width="120" height="32"></td></tr>
<tr><td style="padding: 22px 16px;">
  <h1 style="margin: 0 0 12px; font-size: 24px;">{headline}</h1>
  <p>Dear {{{{ first_name }}}},</p>
  <p>{opening}</p>
  <p>Your list of {{{{ saved_items }}}} saved things is where you left it, and delivery is free until
  {{{{ offer_ends }}}}.</p>
  <p><a class="button" href="https://shop.example/back?c={{{{ customer_id }}}}">{button}</a></p>
  <p>Is something not as it should be? Answer this e-mail; a person reads it.</p></td></tr>
<tr><td class="small" style="padding: 14px 16px; border-top: 1px solid #d5dbe8;">
  You get this because you have an account with us.
  <a href="https://shop.example/unsubscribe?c={{{{ customer_id }}}}">Unsubscribe</a> ·
  <a href="https://shop.example/imprint">Imprint</a></td></tr>
</table></body></html>
"""

_TEXT: Final = """{headline}

Dear {{{{ first_name }}}},

{opening}

Your list of {{{{ saved_items }}}} saved things is where you left it, and delivery is free until {{{{ offer_ends }}}}.

{button}: https://shop.example/back?c={{{{ customer_id }}}}

Unsubscribe: https://shop.example/unsubscribe?c={{{{ customer_id }}}}
"""

_OLD: Final = {
    "subject": "We have missed you",
    "headline": "It has been a while",
    "opening": "You have not been here for some time, so we wanted to say hello.",
    "button": "Visit us",
}
_NEW: Final = {
    "subject": "{{ first_name }}, we kept your place",
    "headline": "Your place is still here",
    "opening": "You have not been here for some time, so we kept everything as it was.",
    "button": "Pick up where you left off",
}


def win_back(segment: str, size: int) -> tuple[dict[str, object], dict[str, object]]:
    """Return the e-mail as it is to be, and the one that was sent last time."""
    audience = {"segment": segment, "size": size}
    new = _letter(_NEW, preheader="Free delivery until {{ offer_ends }}.", audience=audience)
    return new, _letter(_OLD, preheader="Say hello again.", audience=audience)


def _letter(words: dict[str, str], *, preheader: str, audience: dict[str, object]) -> dict[str, object]:
    return {
        "template": "win-back",
        "subject": words["subject"],
        "preheader": preheader,
        "from": SENDER,
        "html": _HTML.format(**words),
        "text": _TEXT.format(**words),
        "audience": audience,
    }
