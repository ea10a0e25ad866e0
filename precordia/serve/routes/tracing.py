"""Signals, measurements, evidence and comparison."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from precordia.serve.asking import DEFAULT_PRECEDENTS, FILE_BODY, AnEcg, Precedents, Where, answered, needs, service_of
from precordia.serve.work import drawing, tracing, weighing
from precordia.serve.work.room import Ecg

router = APIRouter(dependencies=[Depends(needs("read"))], tags=["read"])


async def stretch_of(
    leads: Annotated[str | None, Query(description="names with commas between")] = None,
    start: Annotated[float, Query(description="s")] = 0.0,
    seconds: Annotated[float | None, Query(description="length, s; at most 120")] = None,
    fs: Annotated[float | None, Query(description="Hz; resampled where it is lower than the ECG's own")] = None,
) -> tracing.Stretch:
    """The stretch of a signal that a request names."""
    names = tuple(name.strip() for name in leads.split(",") if name.strip()) if leads else None
    return tracing.Stretch(names, start, seconds, fs)


SignalForm = Annotated[str, Query(description="json, csv, wfdb (a ZIP archive) or dicom")]
AStretch = Annotated[tracing.Stretch, Depends(stretch_of)]


@router.get("/v1/cases/{case_id}/signal")
async def case_signal(request: Request, case_id: str, wanted: AStretch, format: SignalForm = "json") -> Response:
    """A case's samples."""
    return await answered(request, service_of(request).quick, tracing.signal, Ecg(case=case_id), wanted, format)


@router.post("/v1/signal", openapi_extra=FILE_BODY)
async def signal(request: Request, ecg: AnEcg, wanted: AStretch, format: SignalForm = "json") -> Response:
    """An uploaded ECG's samples."""
    return await answered(request, service_of(request).quick, tracing.signal, ecg, wanted, format)


@router.post("/v1/measure", openapi_extra=FILE_BODY)
async def measure(request: Request, ecg: AnEcg) -> Response:
    """Everything measured: over all, lead by lead, beat by beat, and the average beat with its boundaries."""
    return await answered(request, service_of(request).quick, tracing.measure, ecg)


@router.post("/v1/inspect", openapi_extra=FILE_BODY)
async def inspect(
    request: Request,
    ecg: AnEcg,
    calibration: Annotated[
        str | None,
        Query(description="of pulses of two sites: this person's cuff, transit time in ms and mmHg: 45:125,62:119"),
    ] = None,
) -> Response:
    """What is in a file of any kind of heart signal (ECG, pulse, video's frame table, electrogram), and what it cannot show."""
    return await answered(request, service_of(request).quick, tracing.inspect, ecg, calibration)


@router.post("/v1/draw", openapi_extra=FILE_BODY)
async def draw(request: Request, ecg: AnEcg) -> Response:
    """A page to look at: an ECG of few leads with the others drawn and marked, or a watermarked synthetic ECG beside a pulse."""
    return await answered(request, service_of(request).slow, drawing.draw, ecg)


@router.post("/v1/evidence", openapi_extra=FILE_BODY)
async def evidence(request: Request, ecg: AnEcg, where: Where, k: Precedents = DEFAULT_PRECEDENTS) -> Response:
    """All that is known of an ECG, and how far each finding is borne out by it."""
    return await answered(request, service_of(request).quick, weighing.evidence, ecg, k, where)


@router.post("/v1/compare")
async def compare(
    request: Request,
    a: Annotated[str, Query(description="the earlier case")],
    b: Annotated[str, Query(description="the later case")],
) -> Response:
    """Two cases: what has changed, and their average beats over each other."""
    return await answered(request, service_of(request).quick, weighing.compare, a, b)
