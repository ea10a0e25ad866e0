"""Reviews: decisions on statements."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from precordia.serve.asking import answered, needs, service_of
from precordia.serve.security.people import Person
from precordia.serve.work import reviewing

router = APIRouter(tags=["decide"])


class Decision(BaseModel):
    """A decision on one statement."""

    id: str
    decision: Literal["accept", "edit", "strike"]
    text: str = ""


class Decisions(BaseModel):
    """Decisions on a report's statements."""

    case: str | None = None
    recording_hash: str | None = None
    statements: Annotated[list[Decision], Field(max_length=200)]
    signed: bool = False


@router.get("/v1/reviews")
async def reviews(
    request: Request,
    person: Annotated[Person, Depends(needs("read"))],
    case: str | None = None,
    recording_hash: str | None = None,
) -> Response:
    """What was decided on a report's statements, oldest first."""
    return await answered(request, service_of(request).quick, reviewing.reviews, case, recording_hash)


@router.post("/v1/reviews")
async def review(
    request: Request, person: Annotated[Person, Depends(needs("write"))], decisions: Decisions
) -> Response:
    """Accept, edit or strike statements; the author is who shows the token."""
    each = tuple((one.id, one.decision, one.text) for one in decisions.statements)
    decided = reviewing.Decided(decisions.case, decisions.recording_hash, each, decisions.signed, person.name)
    # Where the report was written, its statements are remembered.
    return await answered(request, service_of(request).slow, reviewing.review, decided)
