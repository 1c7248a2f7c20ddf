"""Kinds of entries about the ledger itself."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from audit.kinds.kind import Kind
from audit.kinds.shapes import COUNT, DIGEST, WORD, one_of, or_null
from audit.verification.faults import FaultKind

KINDS: Final = (
    Kind(
        "ledger.verified",
        _("The whole ledger was verified: how much of it, and the first fault, if there was one."),
        {"size": COUNT, "checkpoints": COUNT, "fault": one_of(["", *FaultKind]), "index": or_null(COUNT)},
    ),
    Kind(
        "evidence.exported",
        _("Somebody downloaded the evidence about a proposal."),
        {"subject": WORD, "digest": DIGEST, "bytes": COUNT},
    ),
)
