"""What people do: decide, edit, undo, roll back, retry. Who they are, the session says and nothing else."""

from typing import Any
from uuid import UUID

import jsonschema_rs
from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api.contract import examples, schemas
from approvals.api.contract.openapi import PEOPLE, call, described
from approvals.api.http.base import PersonView, current, proposal_answer, written
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision, Proposal
from approvals.people import signature
from approvals.people.eligibility import visible
from approvals.shipping import recovery


class ActionView(PersonView):
    """One act of a person on a proposal they may see, answered by the proposal as it is then."""

    checker: jsonschema_rs.Draft202012Validator = schemas.COMMENT_CHECKER

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Act on the proposal."""
        said = self.body(request, self.checker)
        if not visible(request.user).filter(pk=proposal_id).exists():
            raise Proposal.DoesNotExist
        self.act(request, proposal_id, said)
        return written(proposal_answer(200, current(visible(request.user), proposal_id)))

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Do it, through the use case."""
        raise NotImplementedError


@described(
    post=call(
        "decide",
        "Approve, reject, send back or take over",
        tag=PEOPLE,
        sends=("DecisionSent", examples.DECISION_SENT),
        answers_with={200: ("Proposal", examples.APPROVED)},
        fails_with=(404, 409),
    )
)
class DecisionsView(ActionView):
    """`proposals/{id}/decisions/`."""

    checker = schemas.DECISION_CHECKER

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Approve, reject, send back or take over the revision that the person saw."""
        person = self.person(request)
        review.decide(
            proposal_id=proposal_id,
            seen=_seen(said),
            by=person,
            verdict=Decision.Verdict(said["verdict"]),
            reason_code=said.get("reason_code", ""),
            comment=said.get("comment", ""),
            is_signed=_is_signed(person, said),
            ticked=said.get("checklist", ()),
        )


@described(
    post=call(
        "edit_proposal",
        "Edit, and approve the edit where one person may",
        tag=PEOPLE,
        sends=("EditSent", examples.EDIT_SENT),
        answers_with={200: ("Proposal", examples.EDITED)},
        fails_with=(404, 409),
    )
)
class EditsView(ActionView):
    """`proposals/{id}/edits/`."""

    checker = schemas.EDIT_CHECKER

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Put the person's version of the payload in place of the one they saw, and approve it if asked."""
        person = self.person(request)
        version = {
            "proposal_id": proposal_id,
            "seen": _seen(said),
            "by": person,
            "payload": said["payload"],
            "rollback": said.get("rollback"),
            "note": said.get("note", ""),
        }
        if not said.get("approve", False):
            review.edit(**version)
            return
        is_signed = _is_signed(person, said)
        review.edit_and_approve(
            **version, comment=said.get("comment", ""), is_signed=is_signed, ticked=said.get("checklist", ())
        )


@described(
    post=call(
        "undo_decision",
        "Undo an approval or a rejection",
        tag=PEOPLE,
        sends=("CommentSent", examples.COMMENT_SENT),
        answers_with={200: ("Proposal", examples.PROPOSAL)},
        fails_with=(404, 409),
    )
)
class UndoView(ActionView):
    """`proposals/{id}/undo/`."""

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Take an approval or a rejection back."""
        review.undo(proposal_id=proposal_id, by=self.person(request), comment=said.get("comment", ""))


@described(
    post=call(
        "roll_back_proposal",
        "Roll back what has shipped",
        tag=PEOPLE,
        sends=("CommentSent", examples.COMMENT_SENT),
        answers_with={200: ("Proposal", examples.SHIPPED)},
        fails_with=(404, 409),
    )
)
class RollbackView(ActionView):
    """`proposals/{id}/rollback/`."""

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Order the rollback payload of a shipped proposal to be executed."""
        recovery.roll_back(proposal_id=proposal_id, by=self.person(request), comment=said.get("comment", ""))


@described(
    post=call(
        "retry_proposal",
        "Retry what has failed",
        tag=PEOPLE,
        sends=("Nothing", {}),
        answers_with={200: ("Proposal", examples.APPROVED)},
        fails_with=(404, 409),
    )
)
class RetryView(ActionView):
    """`proposals/{id}/retry/`."""

    checker = schemas.NOTHING_CHECKER

    def act(self, request: Request, proposal_id: UUID, said: dict[str, Any]) -> None:
        """Try a failed dispatch again."""
        recovery.retry(proposal_id=proposal_id, by=self.person(request))


def _seen(said: dict[str, Any]) -> SeenRevision:
    return SeenRevision(int(said["revision"]), said["digest"])


def _is_signed(person: User, said: dict[str, Any]) -> bool:
    if "password" not in said and "code" not in said:
        return False
    signature.sign(person, said.get("password", ""), code=said.get("code", ""))
    return True
