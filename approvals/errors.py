"""Errors of the domain, each with a stable code. `hitlportal.errors` maps them to HTTP."""

from collections.abc import Sequence
from typing import ClassVar, Self

from django.utils.translation import gettext as _

from policies.engine.payloads import FieldError


class ProposalError(Exception):
    """Base of all refusals here: nothing was written. `str()` is a sentence for people."""

    code: ClassVar[str] = "proposal_error"


class InvalidProposal(ProposalError):
    """What was sent breaks the contract; `errors` names each field and reason."""

    code = "invalid_proposal"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.pointer or '/'}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


class UploadRefused(ProposalError):
    """Rows that were sent cannot be kept; `errors` names each line and reason."""

    code = "invalid_upload"

    def __init__(self, message: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class UploadTooLarge(UploadRefused):
    """There are more rows, or more bytes, than an upload may have."""

    code = "upload_too_large"


class EditRefused(InvalidProposal):
    """A person's edit breaks a guardrail that denies; `errors` names each place and what was found there."""

    code = "edit_refused"


class StateConflict(ProposalError):
    """The proposal is not in a state in which this can be done."""

    code = "state_conflict"


class StaleRevision(StateConflict):
    """The revision that the person saw is not the current one."""

    code = "stale_revision"

    @classmethod
    def of(cls, *, seen: int, current: int, author: str) -> Self:
        """Say which of number and digest is not the current revision's."""
        if seen < current:
            sentence = _(
                "Revision %(current)s, by %(author)s, has replaced revision %(seen)s. Check it and decide again."
            )
        elif seen == current:
            sentence = _("This digest is not the one of revision %(current)s. Check it and decide again.")
        else:
            sentence = _("There is no revision %(seen)s; revision %(current)s is current. Check it and decide again.")
        return cls(sentence % {"seen": seen, "current": current, "author": author})


class PolicyChanged(StateConflict):
    """The policy in force is stricter than the one that was shown; it applies, and its reasons are told."""

    code = "policy_changed"


class NotInBatch(StateConflict):
    """This proposal has to be decided alone, or the batch is too large."""

    code = "not_in_batch"


class NotEligible(ProposalError):
    """This person, or this agent, may not do this here."""

    code = "not_eligible"


class SignatureRequired(NotEligible):
    """This tier wants the person to sign in again; `field` names what has to be entered."""

    code = "signature_required"
    field: ClassVar[str] = "password"


class WrongPassword(SignatureRequired):
    """The password given as a signature is not this person's."""

    code = "wrong_password"


class SecondFactorRequired(SignatureRequired):
    """The signature wants the person's second factor too, or wants them to set one up."""

    code = "second_factor_required"
    field = "code"


class WrongCode(SignatureRequired):
    """The second factor given with a signature is not right, or was used before."""

    code = "wrong_code"
    field = "code"


class TooManyTries(SignatureRequired):
    """Too many passwords were tried; a minute later it may be tried again."""

    code = "too_many_tries"


class ReasonRequired(ProposalError):
    """This decision wants a reason; `field` names which."""

    code = "reason_required"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class AbsenceRefused(ProposalError):
    """An absence, or its delegate, makes no sense; `field` names which part."""

    code = "absence_refused"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class NotYet(StateConflict):
    """It is approved and may be consumed, but not at this moment."""

    code = "not_yet"


class NothingToRollBack(StateConflict):
    """The proposal came without a rollback payload."""

    code = "no_rollback"


class KeyReused(ProposalError):
    """The Idempotency-Key was used before, for another request."""

    code = "idempotency_key_reused"


class LeaseLost(ProposalError):
    """The lease on a dispatch ran out, and another worker has it or finished it."""

    code = "lease_lost"
