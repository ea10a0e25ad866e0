"""Jobs: what is built, fitted and checked, how far it is, the start of one and its end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from precordia.core.errors import UsageError
from precordia.serve.answers import Answer, encoded
from precordia.serve.asking import needs, noted, response, service_of
from precordia.serve.security.people import Person
from precordia.serve.working import Works, job_document

router = APIRouter(tags=["keep"])


class Wanted(BaseModel):
    """A job that is asked for."""

    kind: str
    archive: str | None = None


@router.get("/v1/jobs")
async def jobs(request: Request, person: Annotated[Person, Depends(needs("read"))]) -> Response:
    """What was built, fitted and checked, the latest first; ``archives`` is what may be built from, for administrators."""
    works, whole = service_of(request).works, person.may("admin")
    found = [] if works is None else await run_in_threadpool(works.all)
    archives = list(works.archives) if works is not None and whole else []
    document = {
        "items": [job_document(job, whole) for job in found],
        "next": None,
        "total": len(found),
        "archives": archives,
    }
    return response(Answer(encoded(document)))


@router.post("/v1/jobs", status_code=202)
async def start(request: Request, person: Annotated[Person, Depends(needs("admin"))], wanted: Wanted) -> Response:
    """Begin one: ``build`` of an archive that the service was started with, ``refit`` or ``check``."""
    works = _works_of(request)
    # What is asked stands in the audit before it begins.
    await noted(request, f"job {wanted.kind[:20]}", Answer(b"", 202))
    name = await run_in_threadpool(works.start, wanted.kind, wanted.archive, person.name)
    return response(Answer(encoded({"id": name}), 202))


@router.post("/v1/jobs/{job}/stop", status_code=202)
async def stop(request: Request, person: Annotated[Person, Depends(needs("admin"))], job: str) -> Response:
    """End one that runs, of whoever's it is: within seconds it says "stopped", and what it has finished is kept."""
    works = _works_of(request)
    await noted(request, "job stop", Answer(b"", 202))
    await run_in_threadpool(works.stop, job, person.name)
    return response(Answer(encoded({"id": job}), 202))


def _works_of(request: Request) -> Works:
    works = service_of(request).works
    if works is None:
        raise UsageError("this service starts no jobs")
    return works
