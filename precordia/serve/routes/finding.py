"""Search, cases and a patient's line through time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from precordia.core.errors import UsageError
from precordia.core.retrieval import HITS, Mode
from precordia.serve.asking import FILE_BODY, AnEcg, Cursor, Page, Where, answered, needs, service_of
from precordia.serve.work import finding
from precordia.signals.long.sought import ALL

router = APIRouter(dependencies=[Depends(needs("read"))], tags=["find"])
Words = Annotated[str | None, Query(description="words: findings, numbers, people and times, English or German")]


@router.post("/v1/search", openapi_extra=FILE_BODY)
async def search(
    request: Request,
    ecg: AnEcg,
    where: Where,
    text: Words = None,
    k: Annotated[int, Query(description="hits of a page, 1 to 1000")] = HITS,
    mode: Mode | None = None,
    cursor: Cursor = None,
    facets: bool = False,
) -> Response:
    """The cases nearest to an ECG, to words, or to both."""
    sought = finding.Sought(ecg, text, k, where, mode, cursor, facets)
    return await answered(request, service_of(request).quick, finding.search, sought)


@router.post("/v1/search/events", openapi_extra=FILE_BODY)
async def search_events(
    request: Request,
    ecg: AnEcg,
    where: Where,
    event: Annotated[
        str, Query(description="AF, VT, SVT, pause, brady, tachy, V, S, all, or START-END of a place (s or h:mm:ss)")
    ] = ALL,
    k: Annotated[int, Query(description="cases of each event, or windows, 1 to 1000")] = HITS,
) -> Response:
    """The events of a long recording with the cases most like each; of a place, the windows of the recording most like it."""
    return await answered(request, service_of(request).slow, finding.events, ecg, event, k, where)


@router.post("/v1/search/pairs")
async def search_pairs(
    request: Request,
    where: Where,
    values: Annotated[
        str, Query(description="numbers of a second modality (echo, MRI, labs): name=number,name=number")
    ],
    pairs: Annotated[str | None, Query(description="which pairs, where the service has several")] = None,
    k: Annotated[int, Query(description="hits, 1 to 1000")] = HITS,
) -> Response:
    """The cases whose second modality looked like some numbers, through what pairs have taught."""
    service = service_of(request)
    name = pairs or (next(iter(service.pairs)) if len(service.pairs) == 1 else "")
    if name not in service.pairs:
        known = ", ".join(service.pairs) or "none; the service is started with --pairs DIR"
        raise UsageError(f"there are no pairs {name[:60]!r} to search by (choices: {known})")
    asked = finding.Paired(values, name, service.pairs[name], k, where)
    return await answered(request, service.quick, finding.search_pairs, asked)


@router.get("/v1/cases")
async def cases(
    request: Request,
    where: Where,
    text: Words = None,
    cursor: Cursor = None,
    limit: Page = 20,
    at: Annotated[
        int | None, Query(ge=0, le=10**9, description="the place of the page's first case, 0 the newest")
    ] = None,
    facets: bool = False,
) -> Response:
    """Cases that meet a filter and all that words ask for, newest first; and what there is among them."""
    listed = finding.Listed(where, text, cursor, limit, at, facets)
    return await answered(request, service_of(request).quick, finding.cases, listed)


@router.get("/v1/cases/{case_id}")
async def case(request: Request, case_id: str) -> Response:
    """One case."""
    return await answered(request, service_of(request).quick, finding.case, case_id)


@router.get("/v1/cases/{case_id}/timeline")
async def timeline(request: Request, case_id: str) -> Response:
    """The ECGs of a case's patient, oldest first, with what is new and what is gone in each."""
    return await answered(request, service_of(request).quick, finding.timeline, case_id)
