"""From the tables to the policy version that is in force. The only writer of versions and activations.

What tightens, one person publishes. What loosens anything happens once a second person has agreed.
"""

from collections.abc import Mapping
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
from policies.actors import actor
from policies.comparison import compare, is_loosening
from policies.engine.policy import EMPTY, Policy, compile_policy
from policies.models import Activation, Loosening, PolicyVersion
from policies.publishing import loosenings
from policies.publishing.drafts import Draft, active_version, pending
from policies.publishing.gate import close_gate
from policies.publishing.loosenings import LooseningRefused
from policies.publishing.snapshot import document

__all__ = [
    "Draft", "DraftChanged", "PolicyInvalid", "Published", "activate", "active_policy", "active_version", "compiled",
    "document", "pending", "policy_activated", "publish", "put_in_force",
]  # fmt: skip

POLICY = "policy"
"""What a request to publish is about."""
policy_activated = Signal()
"""Sent after the commit that put a version in force. A hint: whoever needs to know finds it in the database too."""


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
def publish(*, by: User, note: str = "", seen: str = "") -> Published:
    """Put what the tables say in force, or ask a second person to, where that loosens anything.

    `seen` is the digest of the draft that the person looked at. Raises NotAllowed, PolicyInvalid,
    DraftChanged, or LooseningRefused where the same was asked already or the note is missing.
    """
    loosenings.require(by, loosenings.ASK)
    loosenings.one_at_a_time()
    draft = pending()
    if seen and seen != draft.digest:
        raise DraftChanged(_("Somebody has changed the tables since. Look at the difference again."))
    _require_sound(draft)
    if draft.base is not None and draft.is_the_same:
        return Published(version=draft.base)
    if not draft.is_loosening:
        return Published(version=_put(draft, by=by))
    asked = loosenings.ask(
        kind=Loosening.Kind.PUBLISH,
        subject=POLICY,
        change={
            "digest": draft.digest,
            "changes": [{"sentence": one.sentence, "direction": str(one.direction)} for one in draft.changes],
        },
        by=by,
        note=note,
        base=draft.base,
    )
    return Published(asked=asked)


def publish_as_asked(asked: Loosening, by: User) -> bool:
    """Publish, if the tables still say what was asked for and the same version is in force."""
    draft = pending()
    if draft.digest != asked.change["digest"] or (draft.base.pk if draft.base else None) != asked.base_id:
        return False
    if draft.faults:
        return False
    _put(draft, by=by, asked=asked)
    return True


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
    asked = loosenings.ask(
        kind=Loosening.Kind.ACTIVATE,
        subject=f"policy_version:{version.number}",
        change={"version": version.number, "digest": version.digest},
        by=by,
        note=note,
        base=base,
    )
    return Published(asked=asked)


def activate_as_asked(asked: Loosening, by: User) -> bool:
    """Put the version in force, if the one it was compared with still is."""
    base = active_version()
    if (base.pk if base else None) != asked.base_id:
        return False
    version = PolicyVersion.objects.get(number=asked.change["version"], digest=asked.change["digest"])
    compiled(version.number, version.digest)
    _activate(version, by=by, asked=asked)
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


def _put(draft: Draft, *, by: User | None, asked: Loosening | None = None) -> PolicyVersion:
    version = PolicyVersion.objects.create(
        digest=draft.digest, document=draft.document, created_at=database_now(), created_by=by
    )
    _activate(version, by=by, asked=asked)
    return version


def _activate(version: PolicyVersion, *, by: User | None, asked: Loosening | None = None) -> None:
    # No claim lies between this clock and the commit: of each it is certain which version was in force.
    close_gate()
    at = database_now()
    Activation.objects.create(version=version, at=at, by=by)
    data: dict[str, canonical.JsonValue] = {"digest": version.digest}
    if asked is not None:
        data["loosening"] = asked.pk
    subject = f"policy_version:{version.number}"
    entries.record("policy.activated", subject=subject, actor=actor(by), at=at, data=data)
    transaction.on_commit(lambda: policy_activated.send(PolicyVersion, number=version.number))


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
