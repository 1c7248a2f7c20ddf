"""Calls of people: decide, edit, undo, roll back, retry. Identity comes from the session alone."""

from typing import Any
from uuid import UUID

import jsonschema_rs
from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api.contract import examples, representation, schemas
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
        body = self.body(request, self.checker)
        self.require_visible(request, proposal_id)
        self.act(request, proposal_id, body)
        return written(proposal_answer(200, current(visible(request.user), proposal_id)))

    def require_visible(self, request: Request, proposal_id: UUID) -> None:
        """Check that the person may see the proposal. Raises Proposal.DoesNotExist."""
        if not visible(request.user).filter(pk=proposal_id).exists():
            raise Proposal.DoesNotExist

    def act(self, request: Request, proposal_id: UUID, body: dict[str, Any]) -> None:
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

    def post(self, request: Request, proposal_id: UUID) -> HttpResponse:
        """Approve, reject, send back or take over the revision that the person saw."""
        body, person = self.body(request, self.checker), self.person(request)
        if _would_sign(body):
            self.require_visible(request, proposal_id)
        decided = review.decide(
            proposal_id=proposal_id,
            seen=_seen(body),
            by=person,
            verdict=Decision.Verdict(body["verdict"]),
            reason_code=body.get("reason_code", ""),
            comment=body.get("comment", ""),
            is_signed=_is_signed(person, body),
            ticked=body.get("checklist", ()),
            hides=True,
        )
        return written(proposal_answer(200, representation.decided(decided)))


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

    def act(self, request: Request, proposal_id: UUID, body: dict[str, Any]) -> None:
        """Put the person's version of the payload in place of the one they saw, and approve it if asked."""
        person = self.person(request)
        version = {
            "proposal_id": proposal_id,
            "seen": _seen(body),
            "by": person,
            "payload": body["payload"],
            "rollback": body.get("rollback"),
            "note": body.get("note", ""),
        }
        if not body.get("approve", False):
            review.edit(**version)
            return
        is_signed = _is_signed(person, body)
        review.edit_and_approve(
            **version, comment=body.get("comment", ""), is_signed=is_signed, ticked=body.get("checklist", ())
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

    def act(self, request: Request, proposal_id: UUID, body: dict[str, Any]) -> None:
        """Take an approval or a rejection back."""
        review.undo(proposal_id=proposal_id, by=self.person(request), comment=body.get("comment", ""))


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

    def act(self, request: Request, proposal_id: UUID, body: dict[str, Any]) -> None:
        """Order the rollback payload of a shipped proposal to be executed."""
        recovery.roll_back(proposal_id=proposal_id, by=self.person(request), comment=body.get("comment", ""))


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

    def act(self, request: Request, proposal_id: UUID, body: dict[str, Any]) -> None:
        """Try a failed dispatch again."""
        recovery.retry(proposal_id=proposal_id, by=self.person(request))


def _seen(body: dict[str, Any]) -> SeenRevision:
    return SeenRevision(int(body["revision"]), body["digest"])


def _would_sign(body: dict[str, Any]) -> bool:
    return "password" in body or "code" in body


def _is_signed(person: User, body: dict[str, Any]) -> bool:
    if not _would_sign(body):
        return False
    signature.sign(person, body.get("password", ""), code=body.get("code", ""))
    return True
