"""Deciding from a message: the right to do so once, as a link, and its use. The only writer of tokens.

The text of a token holds 256 random bits and a signature over what it is bound to. The database keeps a
hash of it and the binding, and refuses a second use.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from approvals.errors import NotEligible, StateConflict
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision, DecisionToken, Proposal
from audit.clock import database_now
from policies.engine.policy import Policy

REVIEWS: Final = ("batch", "single")
"""Kinds of review that are weak enough for a decision from a message."""
_SALT: Final = "approvals.links"
_SEPARATOR: Final = "."


class TokenSpent(StateConflict):
    """The link was used, or its time is over."""

    code = "token_spent"


class TokenOfAnother(NotEligible):
    """The link belongs to somebody else than who is signed in."""

    code = "token_of_another"


def is_within_reach(proposal: Proposal, policy: Policy) -> bool:
    """Whether the tier of `proposal` lets people decide from a message."""
    tier = policy.tiers.get(proposal.tier_id or "")
    return tier is not None and tier.review in REVIEWS


def issue(*, person: User, proposal: Proposal, via: str, at: datetime) -> str:
    """Make a token for `person` to decide once on the current revision, until the deadline; return its text."""
    secret = secrets.token_urlsafe(32)
    token = DecisionToken(
        hash=_hash(secret),
        person=person,
        proposal=proposal,
        revision_number=proposal.revision.number,
        digest=proposal.revision.digest,
        via=via,
        made_at=at,
        expires_at=proposal.deadline_at,
    )
    token.save(force_insert=True)
    return f"{secret}{_SEPARATOR}{_signature(secret, token, settings.SECRET_KEY)}"


def find(text: str) -> DecisionToken | None:
    """Return the token of this text; None for what the portal never signed, or whose binding was changed since."""
    secret, _separator, signature = text.partition(_SEPARATOR)
    rows = DecisionToken.objects.select_related("person", "decision")
    token = rows.filter(hash=_hash(secret)).first()
    if token is None or not token.person.is_active:
        return None
    known = (_signature(secret, token, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    return token if any(hmac.compare_digest(signature.encode(), one.encode()) for one in known) else None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a proposal."""

    verdict: Decision.Verdict
    reason_code: str = ""
    comment: str = ""
    ticked: Collection[str] = ()


@transaction.atomic
def decide(*, token: DecisionToken, decision: Said, signed_in: User | None) -> Proposal:
    """Decide with a token, which is used up in the same transaction.

    `signed_in` is who uses the browser, if that is known. Raises TokenOfAnother, TokenSpent, and
    what `review.decide` raises (SignatureRequired where the tier wants the person to sign in); then nothing
    is written and the token is as good as before.
    """
    # The token is locked before the proposal, and nobody who holds a proposal waits for a token.
    held = DecisionToken.objects.select_for_update(of=("self",)).select_related("person").get(pk=token.pk)
    if signed_in is not None and signed_in.pk != held.person_id:
        raise TokenOfAnother(_("This link was sent to someone else."))
    if held.used_at is not None:
        raise TokenSpent(_("This link was used already."))
    if held.expires_at <= database_now():
        raise TokenSpent(_("This link has expired."))
    proposal = review.decide(
        proposal_id=held.proposal_id,
        seen=SeenRevision(held.revision_number, held.digest),
        by=held.person,
        verdict=decision.verdict,
        reason_code=decision.reason_code,
        comment=decision.comment,
        ticked=decision.ticked,
        via=held.via,
        only_reviews=REVIEWS,
    )
    held.decision = Decision.objects.filter(proposal=proposal, by=held.person).latest("id")
    held.used_at = held.decision.at
    held.save(update_fields=["decision", "used_at"])
    return proposal


def button_value(proposal: Proposal) -> str:
    """Return what a button carries: the proposal and the revision that its message shows."""
    return f"{proposal.pk}|{proposal.revision.number}|{proposal.revision.digest}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _signature(secret: str, token: DecisionToken, key: str) -> str:
    bound = (secret, token.person_id, token.proposal_id, token.revision_number, token.digest)
    text = "|".join(map(str, (*bound, token.expires_at.timestamp())))
    return salted_hmac(_SALT, text, secret=key, algorithm="sha256").hexdigest()[:43]
