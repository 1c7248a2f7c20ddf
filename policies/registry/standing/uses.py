"""Uses of standing approvals: counted in the transaction of the proposal that passes by one, and never given back.

Two proposals cannot both have the last use: whatever submits holds the rows of the agent's standing approvals on the
surface, if there are any, until the commit. They are taken after the gate and before all other locks.
"""

from dataclasses import replace
from typing import Final

from policies.models import StandingApproval
from policies.publishing.current import Current

COUNT: Final = "UPDATE policies_standingapproval SET used = used + 1 WHERE id = %s"


def hold(now: Current) -> Current:
    """Return `now` with the uses that are left once nobody else can take one. No query where there is nothing."""
    if not now.standing_approvals:
        return now
    ids = [given.id for given in now.standing_approvals]
    rows = StandingApproval.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    left = {row.pk: row.most_uses - row.used for row in rows}
    return replace(
        now, standing_approvals=tuple(given._replace(left=left[given.id]) for given in now.standing_approvals)
    )
