"""A cohort as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from precordia.serve.answers import Answer
from precordia.serve.asking import Refused, Where, needs, noted, response, service_of
from precordia.serve.work import exporting

router = APIRouter(dependencies=[Depends(needs("read"))], tags=["find"])


@router.get("/v1/export")
async def export(
    request: Request,
    where: Where,
    text: str | None = None,
    format: Literal["csv"] = "csv",
    reports: Annotated[bool, Query(description="with the reports' words")] = False,
) -> Response:
    """The cases that meet a filter and words, as CSV, newest first."""
    first = await _piece(request, where, text, reports, None)
    if first.status != 200:
        return response(first)
    headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
    return StreamingResponse(_pieces(request, where, text, reports, first), headers=headers, media_type=exporting.CSV)


async def _pieces(
    request: Request, where: str | None, text: str | None, reports: bool, piece: Answer
) -> AsyncIterator[bytes]:
    """Piece after piece: a million cases are never in memory at once."""
    yield piece.content
    while piece.following is not None:
        piece = await _piece(request, where, text, reports, piece.following)
        if piece.status != 200:
            # The status is out already: a broken transfer is seen, a short file is not.
            raise Refused(piece.status, "the export could not be finished")
        yield piece.content


async def _piece(request: Request, where: str | None, text: str | None, reports: bool, cursor: str | None) -> Answer:
    answer = await service_of(request).quick.do(exporting.export, where, text, reports, cursor)
    await noted(request, "export", answer)
    return answer
