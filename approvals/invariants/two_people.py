"""Part of I7: no policy was loosened by one person alone, by any route."""

from typing import Any

from audit.invariants import Breach, none
from audit.models import Entry
from policies.comparison import compare, is_loosening
from policies.models import Activation, Loosening


def no_policy_was_loosened_alone() -> Breach | None:
    """Compare every version that was put in force with the one before it, and look for the second person."""
    before: Any = None
    requests = _requests()
    for activation in Activation.objects.select_related("version").order_by("id"):
        version = activation.version
        if before is not None and before.pk != version.pk:
            looser = is_loosening(compare(before.document, version.document))
            if looser and not _was_agreed(requests.get((version.pk, activation.at)), version, base=before.pk):
                return Breach(f"policy_version:{version.pk}", "It loosened the policy without a second person.")
        before = version
    return None


def _requests() -> dict[tuple[int, Any], int]:
    """Return by version and time which request each activation tells of."""
    entries = Entry.objects.filter(kind="policy.activated", data__has_key="loosening")
    return {(int(entry.subject.partition(":")[2]), entry.at): entry.data["loosening"] for entry in entries}


def _was_agreed(request: int | None, version: Any, *, base: int) -> bool:
    if request is None:
        return False
    row = Loosening.objects.filter(pk=request, status=Loosening.Status.DONE, base=base).first()
    return (
        row is not None
        and row.kind in {Loosening.Kind.PUBLISH, Loosening.Kind.ACTIVATE}
        and row.change["digest"] == version.digest
        and row.answered_by_id not in {None, row.asked_by_id}
    )


RELEASED_BY_TWO = none(
    "Without a second person a kill switch was released, a mandate loosened, an agent let work again or given another"
    " owner, a key issued for somebody else's agent, a connector pointed elsewhere, or more rights given.",
    """
    SELECT entry.subject
      FROM audit_entry AS entry
      LEFT JOIN policies_loosening AS asked
        ON asked.id = (entry.data ->> 'loosening')::bigint AND asked.status = 'done'
       AND asked.answered_by_id <> asked.asked_by_id
     WHERE asked.id IS NULL
       AND (entry.kind = 'kill_switch.released'
            OR entry.kind = 'agent.status_changed' AND entry.data ->> 'status' = 'active'
            OR entry.kind = 'mandate.given' AND entry.data ? 'loosening'
            OR entry.kind = 'standing_approval.given'
            OR entry.kind = 'agent.key_issued' AND entry.data ->> 'issuer' <> entry.data ->> 'owner'
            OR entry.kind IN ('agent.owner_changed', 'connector.redirected', 'user.rights_given', 'group.rights_given'))
    """,
)
