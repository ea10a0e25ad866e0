"""From a request to a piece of work and back: who asks, what the body holds, and the answer's headers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from precordia.core.errors import PrecordiaError, UsageError
from precordia.core.retrieval import PRECEDENTS
from precordia.indexing.audit import Event, without_names
from precordia.indexing.filters import check_public
from precordia.serve.answers import Answer, encoded
from precordia.serve.desk import Desk, Work
from precordia.serve.metrics import Metrics
from precordia.serve.noting import Notes
from precordia.serve.security.limits import Arriving, Guesses
from precordia.serve.security.people import Person
from precordia.serve.security.sessions import Sessions, session_of
from precordia.serve.security.signing_in import SigningIn
from precordia.serve.security.tokens import Tokens
from precordia.serve.upload import MAX_BYTES
from precordia.serve.work.room import Ecg, Ecgs
from precordia.serve.working import Works


class Refused(PrecordiaError):
    """A request that is not answered, with its status and what to do.

    Args:
        status: Of HTTP.
        message: What is wrong, one line.
        headers: Of the answer.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


@dataclass(frozen=True, eq=False)
class Service:
    """What every address needs.

    Attributes:
        quick: Where cases are found and signals measured.
        slow: Where reports and answers are written.
        tokens: Who may come in.
        llm: The language model's spec.
        notes: Where is put down what was asked.
        metrics: Counts of what was answered.
        guesses: Who has shown wrong tokens.
        arriving: Room for bodies that are on their way.
        works: The jobs, or None where none are started from here.
        sessions: Who has signed in at the page.
        signing_in: Sends people to an issuer, or None where tokens are shown here.
        pairs: Name to folder of pairs with a second modality, which the archive may be searched by.
    """

    quick: Desk
    slow: Desk
    tokens: Tokens
    llm: str = "none"
    notes: Notes = field(default_factory=lambda: Notes(None))
    metrics: Metrics = field(default_factory=Metrics)
    guesses: Guesses = field(default_factory=Guesses)
    arriving: Arriving = field(default_factory=Arriving)
    works: Works | None = None
    sessions: Sessions = field(default_factory=Sessions)
    signing_in: SigningIn | None = None
    pairs: Mapping[str, Path] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While the service runs: the first questions find everything warm."""
        warming = [asyncio.create_task(desk.warm()) for desk in {self.quick, self.slow}]
        try:
            yield
        finally:
            for task in warming:
                task.cancel()
            self.quick.close()
            self.slow.close()
            self.notes.close()
            if self.works is not None:
                self.works.close()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


def needs(role: str) -> Callable[..., Coroutine[Any, Any, Person]]:
    """A dependency that lets in who has a role, and gives who it is."""

    async def let_in(request: Request) -> Person:
        person = await person_of(request)
        if person is None:
            raise _unknown()
        if not person.may(role):
            raise Refused(403, f"this needs the role {role}, and this token has {person.role}")
        request.state.person = person
        return person

    return let_in


async def person_of(request: Request) -> Person | None:
    """Who sends a request, by its token or by who signed in at the browser that sends it; None for who is not known.

    Raises:
        Refused: too many wrong tokens came from there, or the file of tokens cannot be read.
    """
    service = service_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" and token.strip() else None
    if shown is not None:
        return await _known(request, partial(service.tokens.person, shown), showed=True)
    secret = session_of(request)
    who = None if secret is None else service.sessions.find(secret)
    return await _known(request, who or partial(service.tokens.person, None), showed=False)


async def admitted(request: Request, who: Callable[[], Person | None], showed: bool) -> Person:
    """Who asks to come in.

    Args:
        request: The request.
        who: Says who it is.
        showed: Whether a token was shown: those that are wrong are counted.

    Raises:
        Refused: nobody that is known, or see :func:`person_of`.
    """
    person = await _known(request, who, showed)
    if person is None:
        raise _unknown()
    return person


async def _known(request: Request, who: Callable[[], Person | None], showed: bool) -> Person | None:
    service = service_of(request)
    address = request.client.host if request.client else ""
    try:
        person = await run_in_threadpool(who)
    except UsageError as error:
        print(f"precordia serve: {error}", file=sys.stderr)
        raise Refused(503, "nobody can be let in at the moment: see what the service says") from None
    if not service.guesses.may_go_on(address, person, showed):
        raise Refused(429, "too many wrong tokens came from this address: wait a minute", {"Retry-After": "60"})
    return person


def _unknown() -> Refused:
    return Refused(
        401, "the token is missing or wrong: send Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
    )


_WRAPPED: Final = ("multipart/form-data", "application/json")
"""Kinds of bodies that are no file's bytes. A form of curl's own (x-www-form-urlencoded) is what it says of any bytes."""


async def body_of(request: Request) -> bytes:
    """The request's body, refused as soon as it is too large."""
    too_large = Refused(413, f"the upload is larger than {MAX_BYTES // 2**20} MiB; send one ECG")
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > MAX_BYTES:
        raise too_large
    content = bytearray()
    with service_of(request).arriving.room() as room:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_BYTES:
                raise too_large
            if not room.take(len(chunk)):
                raise Refused(503, "too many uploads at once: send it again in a few seconds", {"Retry-After": "5"})
        return bytes(content)


def ecg_bytes(request: Request, content: Annotated[bytes, Depends(body_of)]) -> bytes:
    """The body where an ECG is asked for.

    Raises:
        Refused: it is a form or JSON, which would be read as a damaged ECG.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content and kind in _WRAPPED:
        raise Refused(
            415, f"the body is {kind}: send the ECG's bytes alone (curl --data-binary @FILE), all else in the address"
        )
    return content


async def ecg_of(
    content: Annotated[bytes, Depends(ecg_bytes)],
    filename: Annotated[str, Query(description="what the file is called; its ending helps to recognise it")] = "upload",
    case: Annotated[str | None, Query(description="instead of a body: a case of the archive")] = None,
) -> Ecg:
    """The ECG that a request is about: its body, or a case."""
    return Ecg(content, filename, case)


async def ecgs_of(
    ecg: Annotated[Ecg, Depends(ecg_of)],
    several: Annotated[
        bool,
        Query(
            description="the body is a ZIP archive of several ECGs of one patient, the earliest first by their names"
        ),
    ] = False,
    earlier: Annotated[
        list[str] | None, Query(description="cases of the archive from before this ECG, the earliest first")
    ] = None,
) -> Ecgs:
    """The ECGs that a request is about, the earliest first."""
    return Ecgs(ecg, several, tuple(earlier or ()))


async def where_of(
    request: Request, where: Annotated[str | None, Query(description="SQL condition over the case columns")] = None
) -> str | None:
    """The condition that a request names; who is no administrator may not ask for what is private."""
    person: Person = request.state.person
    if where and not person.may("admin"):
        await run_in_threadpool(check_public, where)
    return where


async def answered(request: Request, desk: Desk, work: Work, *asked: Any) -> Response:
    """The answer to a request by a piece of work; that it was given stands in the audit first."""
    answer = await desk.do(work, *asked)
    await noted(request, work.__name__, answer)
    return response(answer)


async def noted(request: Request, action: str, answer: Answer) -> None:
    """Put into the audit who asked what, and what the answer shows.

    Raises:
        Refused: it cannot be written: then nothing is shown.
    """
    person: Person = request.state.person
    event = Event(
        person.name,
        action,
        person.role,
        answer.status,
        _words_of(request),
        answer.recording,
        answer.shown,
        answer.patients,
    )
    try:
        await service_of(request).notes.note(event)
    except PrecordiaError as error:
        print(f"precordia serve: the audit cannot be written: {error}", file=sys.stderr)
        raise Refused(
            503, "what is asked cannot be recorded, so that nothing is shown: see what the service says"
        ) from None


def _words_of(request: Request) -> str:
    """What was asked, as far as it may be kept: words that say nothing of the heart may name a person."""
    from precordia.concepts.redaction import redact

    parameters = request.query_params
    free = [f"{name}: {redact(parameters[name])}" for name in ("text", "question") if parameters.get(name)]
    where = [f"where: {without_names(parameters['where'])}"] if parameters.get("where") else []
    return "; ".join((*free, *where))[:_LONGEST]


def response(answer: Answer) -> Response:
    """An answer as a response."""
    headers = {}
    if answer.filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{answer.filename}"'
    if answer.status == 503:
        headers["Retry-After"] = "5"
    return Response(answer.content, answer.status, headers, answer.media_type)


def refused(error: Refused) -> Response:
    """A refusal as a response."""
    return Response(encoded({"error": str(error)}), error.status, error.headers, "application/json")


FILE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "description": "an ECG file's bytes; a record of several files as a ZIP archive",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For OpenAPI: a body that is a file."""

AnEcg = Annotated[Ecg, Depends(ecg_of)]
SomeEcgs = Annotated[Ecgs, Depends(ecgs_of)]
Precedents = Annotated[int, Query(description="number of precedents")]
Where = Annotated[str | None, Depends(where_of)]
Page = Annotated[int, Query(description="items of a page, at most 100")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]
_LONGEST: Final = 2000
DEFAULT_PRECEDENTS: Final = PRECEDENTS
