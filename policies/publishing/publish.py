"""Publish the tables as a policy version in force. The only writer of versions and activations.

What tightens, one person publishes. What loosens anything happens once a second person has agreed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from audit import canonical
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import Actor
from policies.accounts import tuning
from policies.actors import actor, command_line
from policies.comparison import compare, is_loosening
from policies.engine.policy import EMPTY, Policy, compile_policy
from policies.models import Activation, Loosening, PolicyVersion
from policies.publishing import loosenings
from policies.publishing.drafts import Draft, active_version, authors, foreign, pending, selected
from policies.publishing.gate import close_gate
from policies.publishing.loosenings import LooseningRefused, NotAllowed
from policies.publishing.snapshot import document

__all__ = [
    "Draft", "DraftChanged", "PolicyInvalid", "Published", "activate", "active_policy", "active_version", "compiled",
    "document", "pending", "policy_activated", "publish", "put_in_force",
]  # fmt: skip

POLICY = "policy"
"""What a request to publish is about."""
policy_activated = Signal()
"""Sent after the commit that put a version in force. A hint: anyone who needs to know finds it in the database too."""


class PolicyInvalid(ValueError):
    """A policy version or the tables behind it cannot be used; `faults` says why, in sentences."""

    code = "policy_invalid"

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class DraftChanged(LooseningRefused):
    """The tables say something else than the person saw."""

    code = "draft_changed"


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it: a version in force, or a request that waits for a second person."""

    version: PolicyVersion | None = None
    asked: Loosening | None = None


@transaction.atomic
def publish(*, by: User, note: str = "", seen: str = "", chosen: Collection[str] = ()) -> Published:
    """Put what the tables say in force, or ask a second person to, where that loosens anything.

    `seen` is the digest of the draft that the person looked at. `chosen` names the parts of it to publish, as
    `selection` does: the rest stays a draft, and what is published is judged by itself. People who may only tune their
    surfaces publish nothing else. Raises NotAllowed, PolicyInvalid, DraftChanged, or LooseningRefused where the same
    was asked already or the note is missing.
    """
    loosenings.one_at_a_time()
    surfaces = tuning.reach(by)
    draft = _chosen(pending(), chosen)
    _require_within(draft, surfaces)
    if seen and seen != draft.digest:
        raise DraftChanged(_("Someone has changed the drafts since. Check the difference again."))
    _require_sound(draft)
    if draft.base is not None and draft.is_the_same:
        return Published(version=draft.base)
    if not draft.is_loosening:
        return Published(version=_put(draft, by=by, is_part=bool(chosen)))
    loosening = loosenings.ask(
        kind=Loosening.Kind.PUBLISH,
        subject=POLICY,
        change={
            "digest": draft.digest,
            "chosen": sorted(chosen),
            "changes": [{"sentence": one.sentence, "direction": str(one.direction)} for one in draft.changes],
        },
        by=by,
        note=note,
        base=draft.base,
        permission=loosenings.ASK if surfaces is None else None,
    )
    return Published(asked=loosening)


def _require_within(draft: Draft, surfaces: frozenset[str] | None) -> None:
    """Raise NotAllowed where a draft changes anything besides what tunes `surfaces`; None: they are all."""
    if surfaces is not None and (change := foreign(draft, surfaces)):
        words = {"surfaces": ", ".join(sorted(surfaces)), "change": change}
        raise NotAllowed(_("You may publish what tunes %(surfaces)s. This does not: %(change)s.") % words)


def _chosen(draft: Draft, chosen: Collection[str]) -> Draft:
    """Return the draft, or the chosen parts of it. Raises DraftChanged where none of them is left."""
    if not chosen or draft.base is None:
        return draft
    try:
        return selected(draft, chosen).draft
    except ValueError as error:
        sentence = _("None of the chosen changes is waiting any more. Look at the difference again.")
        raise DraftChanged(sentence) from error


def publish_as_asked(loosening: Loosening, by: User) -> bool:
    """Publish, if the tables still say what was asked for and the same version is in force."""
    draft = _still_asked(loosening, pending())
    if draft is None or draft.faults:
        return False
    try:
        _require_within(draft, tuning.reach(loosening.asked_by))
    except NotAllowed:
        return False
    _put(draft, by=by, loosening=loosening, is_part=bool(loosening.change.get("chosen")))
    return True


def is_still_asked(loosening: Loosening, draft: Draft) -> bool:
    """Whether a request to publish, all of a draft or parts of it, can still be agreed to."""
    return _still_asked(loosening, draft) is not None


def _still_asked(loosening: Loosening, draft: Draft) -> Draft | None:
    try:
        part = _chosen(draft, loosening.change.get("chosen", ()))
    except DraftChanged:
        return None
    is_same_base = (part.base.pk if part.base else None) == loosening.base_id
    return part if is_same_base and part.digest == loosening.change["digest"] else None


@transaction.atomic
def activate(*, version: PolicyVersion, by: User, note: str = "") -> Published:
    """Put an earlier version in force again, by the same rule. The tables keep what they say: it is then a draft.

    Raises NotAllowed, PolicyInvalid, or LooseningRefused as `publish` does.
    """
    loosenings.require(by, loosenings.ASK)
    loosenings.one_at_a_time()
    base = active_version()
    if base is not None and base.pk == version.pk:
        return Published(version=base)
    compiled(version.number, version.digest)
    if not is_loosening(compare(base.document if base else None, version.document)):
        _activate(version, by=by)
        return Published(version=version)
    loosening = loosenings.ask(
        kind=Loosening.Kind.ACTIVATE,
        subject=f"policy_version:{version.number}",
        change={"version": version.number, "digest": version.digest},
        by=by,
        note=note,
        base=base,
    )
    return Published(asked=loosening)


def activate_as_asked(loosening: Loosening, by: User) -> bool:
    """Put the version in force, if the one it was compared with still is."""
    base = active_version()
    if (base.pk if base else None) != loosening.base_id:
        return False
    version = PolicyVersion.objects.get(number=loosening.change["version"], digest=loosening.change["digest"])
    compiled(version.number, version.digest)
    _activate(version, by=by, loosening=loosening)
    return True


@transaction.atomic
def put_in_force() -> PolicyVersion:
    """Put what the tables say in force where nobody can be asked: in a new portal, which has no policy yet.

    Raises LooseningRefused where a version is in force of which this would change anything: people publish, with
    their permissions and, where that is asked, their second factor. Raises PolicyInvalid for tables with faults.
    """
    loosenings.one_at_a_time()
    draft = pending()
    if draft.base is not None and draft.is_the_same:
        return draft.base
    if draft.base is not None:
        raise LooseningRefused(_("A policy is in force, so people publish what changes it: in the admin, Policies."))
    _require_sound(draft)
    return _put(draft, by=None)


def _require_sound(draft: Draft) -> None:
    if draft.faults:
        raise PolicyInvalid(_("The tables cannot be published: %s") % " ".join(draft.faults), tuple(draft.faults))


def _put(draft: Draft, *, by: User | None, loosening: Loosening | None = None, is_part: bool = False) -> PolicyVersion:
    version = PolicyVersion.objects.create(
        digest=draft.digest,
        document=draft.document,
        created_at=database_now(),
        created_by=by,
        written_by=authors(draft.base),
        asked_by=loosening.asked_by_name if loosening else _actor(by).name,
        agreed_by=actor(by).name if loosening else "",
        is_part=is_part,
    )
    _activate(version, by=by, loosening=loosening)
    return version


def _activate(version: PolicyVersion, *, by: User | None, loosening: Loosening | None = None) -> None:
    # No claim lies between this clock and the commit: of each it is certain which version was in force.
    close_gate()
    at = database_now()
    Activation.objects.create(version=version, at=at, by=by)
    data: dict[str, canonical.JsonValue] = {"digest": version.digest}
    if loosening is not None:
        data["loosening"] = loosening.pk
    subject = f"policy_version:{version.number}"
    entries.record("policy.activated", subject=subject, actor=_actor(by), at=at, data=data)
    transaction.on_commit(lambda: policy_activated.send(PolicyVersion, number=version.number))


def _actor(by: User | None) -> Actor:
    """Name a person; without one, the terminal of this machine, where alone a first policy is put in force."""
    return command_line() if by is None else actor(by)


@lru_cache(maxsize=16)
def _compiled(number: int, digest: str) -> Policy:
    version = PolicyVersion.objects.get(number=number, digest=digest)
    if canonical.digest(canonical.encode(version.document)) != digest:
        raise PolicyInvalid(f"Policy version {number} is not what was published: its digest differs.")
    rows: Mapping[str, Any] = version.document
    return compile_policy(number=number, digest=digest, document=rows)


def compiled(number: int | None, digest: str) -> Policy:
    """Return version `number` ready to evaluate, kept in this process; EMPTY where nothing is published."""
    return EMPTY if number is None else _compiled(number, digest)


def active_policy() -> Policy:
    """Return the policy in force, asking the database which that is."""
    row = Activation.objects.order_by("-id").values_list("version_id", "version__digest").first()
    return compiled(*row) if row else EMPTY
