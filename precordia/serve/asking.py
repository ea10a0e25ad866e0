"""From a request to a piece of work and back: who asks, what the body holds, and the answer's headers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from precordia.core.errors import InputError, PrecordiaError
from precordia.core.retrieval import PRECEDENTS
from precordia.serve.answers import Answer, encoded
from precordia.serve.desk import Desk, Work
from precordia.serve.security.tokens import Person, Tokens
from precordia.serve.upload import MAX_BYTES
from precordia.serve.work.room import Ecg


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


@dataclass(frozen=True)
class Service:
    """What every address needs.

    Attributes:
        quick: Where cases are found and signals measured.
        slow: Where reports and answers are written.
        tokens: Who may come in.
        llm: The language model's spec.
    """

    quick: Desk
    slow: Desk
    tokens: Tokens
    llm: str = "none"


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


def needs(role: str) -> Callable[..., Coroutine[Any, Any, Person]]:
    """A dependency that lets in who has a role, and gives who it is."""

    async def let_in(request: Request) -> Person:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        shown = token.strip() if scheme.lower() == "bearer" and token.strip() else None
        person = service_of(request).tokens.person(shown)
        if person is None:
            raise Refused(
                401, "the token is missing or wrong: send Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        if not person.may(role):
            raise Refused(403, f"this needs the role {role}, and this token has {person.role}")
        request.state.person = person
        return person

    return let_in


async def body_of(request: Request) -> bytes:
    """The request's body, refused as soon as it is too large."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise InputError(f"the upload is larger than {MAX_BYTES // 2**20} MiB; send one ECG")
    return bytes(content)


async def ecg_of(
    content: Annotated[bytes, Depends(body_of)],
    filename: Annotated[str, Query(description="what the file is called; its ending helps to recognise it")] = "upload",
    case: Annotated[str | None, Query(description="instead of a body: a case of the archive")] = None,
) -> Ecg:
    """The ECG that a request is about: its body, or a case."""
    return Ecg(content, filename, case)


async def answered(request: Request, desk: Desk, work: Work, *asked: Any) -> Response:
    """The answer to a request by a piece of work."""
    return response(await desk.do(work, *asked))


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
Precedents = Annotated[int, Query(description="number of precedents")]
Where = Annotated[str | None, Query(description="SQL condition over the case columns")]
Page = Annotated[int, Query(description="items of a page, at most 100")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]
DEFAULT_PRECEDENTS: Final = PRECEDENTS
