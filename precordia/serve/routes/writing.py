"""Reports and answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from precordia.serve.asking import (
    DEFAULT_PRECEDENTS,
    FILE_BODY,
    Precedents,
    SomeEcgs,
    Where,
    answered,
    needs,
    service_of,
)
from precordia.serve.work import writing

router = APIRouter(dependencies=[Depends(needs("read"))], tags=["write"])


@router.post("/v1/report", openapi_extra=FILE_BODY)
async def report(
    request: Request,
    ecgs: SomeEcgs,
    where: Where,
    k: Precedents = DEFAULT_PRECEDENTS,
    page: Annotated[bool, Query(description="the same as format=html")] = False,
    format: Annotated[str, Query(description="json, html, pdf, fhir or dicom")] = "json",
) -> Response:
    """A report in which every statement cites its precedents or measurements; of several ECGs of the last, with what changed."""
    form = "html" if page else format
    return await answered(request, service_of(request).slow, writing.report, ecgs, k, where, form)


@router.post("/v1/ask", openapi_extra=FILE_BODY)
async def ask(
    request: Request, question: str, ecgs: SomeEcgs, where: Where, k: Precedents = DEFAULT_PRECEDENTS
) -> Response:
    """The answer to a question about an ECG, or about several, from precedents and measurements."""
    return await answered(request, service_of(request).slow, writing.ask, question, ecgs, k, where)
