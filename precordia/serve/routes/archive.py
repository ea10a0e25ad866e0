"""The archive as a whole, the service itself, and who asks."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from precordia import __version__
from precordia.serve.answers import Answer, encoded
from precordia.serve.asking import Cursor, Page, answered, needs, person_of, response, service_of
from precordia.serve.security.people import Person
from precordia.serve.work import archive

router = APIRouter(tags=["archive"])
READY_S: Final = 5.0
"""A knowledge base that needs longer to say how many cases it has is not ready, s."""

Reader = Annotated[Person, Depends(needs("read"))]


@router.get("/v1/live")
async def live() -> dict[str, str]:
    """Whether the process answers; needs no token."""
    return {"status": "ok"}


@router.get("/v1/ready")
async def ready(request: Request) -> Response:
    """Whether questions can be answered; needs no token, and gives counts only to who shows one."""
    service = service_of(request)
    if not service.quick.ready:
        return _not_ready("the knowledge base is being opened")
    try:
        answer = await asyncio.wait_for(service.quick.do(archive.health), READY_S)
    except TimeoutError:
        return _not_ready("questions wait too long")
    if answer.status != 200:
        return _not_ready("the knowledge base cannot be read")
    counts = {} if await person_of(request) is None else {"n_cases": json.loads(answer.content)["n_cases"]}
    return response(Answer(encoded({"status": "ready", **counts})))


def _not_ready(reason: str) -> Response:
    return response(Answer(encoded({"status": "not ready", "reason": reason}), 503))


@router.get("/v1/health")
async def health(request: Request, person: Reader) -> Response:
    """Counts and versions."""
    return response(await service_of(request).quick.do(archive.health))


@router.get("/v1/me")
async def me(request: Request, person: Reader) -> dict[str, Any]:
    """Who asks, and what there is for them."""
    llm = service_of(request).llm
    models = [] if llm == "none" else [llm.partition("@")[0]]
    return {
        "name": person.name,
        "role": person.role,
        "llm": bool(models),
        "version": __version__,
        "language_models": models,
    }


@router.get("/metrics")
async def metrics(request: Request, person: Reader) -> Response:
    """Counts for Prometheus."""
    service = service_of(request)
    health = json.loads((await service.quick.do(archive.health)).content)
    return Response(service.metrics.text(health.get("n_cases", 0)), media_type="text/plain; version=0.0.4")


@router.get("/v1/archive")
async def summary(request: Request, person: Reader) -> Response:
    """What the archive holds, and what is promised of it."""
    return response(await service_of(request).quick.do(archive.summary))


@router.get("/v1/rejects")
async def rejects(request: Request, person: Reader, cursor: Cursor = None, limit: Page = 20) -> Response:
    """What was seen and not kept, with the reason; administrators are told where each file lies (``path``)."""
    return await answered(request, service_of(request).quick, archive.rejects, cursor, limit, person.may("admin"))
