"""For administrators: who asked what, and the erasure of a patient."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from precordia.serve.answers import Answer, encoded
from precordia.serve.asking import Cursor, Page, answered, needs, noted, response, service_of
from precordia.serve.security.people import Person
from precordia.serve.work import keeping
from precordia.serve.work.finding import check_limit, cursor_at, offset_of

router = APIRouter(tags=["keep"])
Admin = Annotated[Person, Depends(needs("admin"))]


@router.get("/v1/audit")
async def audit(
    request: Request,
    person: Admin,
    patient: Annotated[str | None, Query(description="a patient's key")] = None,
    case: str | None = None,
    since: Annotated[str | None, Query(description="ISO 8601, UTC")] = None,
    cursor: Cursor = None,
    limit: Page = 20,
) -> Response:
    """Who asked what about whom, and what was shown, newest first; and whether the chain of rows is whole."""
    limit, start = check_limit(limit), offset_of(cursor)
    there = service_of(request).notes.audit
    found = [] if there is None else await run_in_threadpool(there.select, patient, keeping.number_of(case), since)
    chain = None if there is None else await run_in_threadpool(there.verify)
    end = min(start + limit, len(found))
    document: dict[str, Any] = {
        "items": [row.document() for row in found[start:end]],
        "next": cursor_at(end) if end < len(found) else None,
        "total": len(found),
        "chain": None
        if chain is None
        else {"whole": chain.whole, "n": chain.n, "head": chain.head, "problem": chain.problem},
    }
    answer = Answer(encoded(document), patients=() if patient is None else (patient,))
    await noted(request, "audit", answer)
    return response(answer)


@router.post("/v1/erase")
async def erase(
    request: Request, person: Admin, patient: Annotated[str, Query(description="the patient's key")]
) -> Response:
    """Remove a patient: rows, signals, texts and vectors are physically gone; that it was done stays in the audit."""
    return await answered(request, service_of(request).slow, keeping.erase, patient, person.name)
