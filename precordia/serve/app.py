"""The REST service and its page. Where the command line prints ``--json``, the service answers the same.

The addresses stand in ``routes/``, a file a subject, and in ``/openapi.json``. Errors are ``{"error": "one line"}`` with
status 400 (bad question or unusable file), 401, 403, 404, 413, 429, 500 or 503. Nothing that a client sends is logged or kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from precordia import __version__
from precordia.core.errors import PrecordiaError, place_of
from precordia.core.protocols import LanguageModel
from precordia.knowledge_base import KnowledgeBase
from precordia.serve.answers import refusal
from precordia.serve.asking import Refused, Service, needs, refused, response
from precordia.serve.desk import OneRoom
from precordia.serve.metrics import Counting
from precordia.serve.noting import Notes
from precordia.serve.routes import (
    archive,
    entering,
    exporting,
    finding,
    keeping,
    reviewing,
    talking,
    tracing,
    working,
    writing,
)
from precordia.serve.security.gate import BODY_S, LOOPBACK, RATE, CutOff, Gate
from precordia.serve.security.people import Person
from precordia.serve.security.signing_in import SigningIn
from precordia.serve.security.tokens import Tokens
from precordia.serve.work.room import Room
from precordia.serve.working import Works

STATIC: Final = Path(__file__).parent / "static"
_PARTS: Final = (entering, finding, tracing, writing, talking, reviewing, archive, exporting, keeping, working)


class _Discreet:
    """Answers a mistake of ours with its kind and place: the server would log a traceback, which may hold what was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except CutOff:  # the gate says so
            raise
        except Exception as error:
            if not begun:
                what = f"internal error ({type(error).__name__} in {place_of(error)}); please report it"
                await JSONResponse({"error": what}, 500)(scope, receive, send)


def create_app(
    kb: KnowledgeBase,
    *,
    token: str | None = None,
    llm: LanguageModel | str = "none",
    tokens: Tokens | None = None,
    hosts: Collection[str] = LOOPBACK,
    rate: float = RATE,
    archives: Mapping[str, Path] | None = None,
    signing_in: SigningIn | None = None,
    pairs: Mapping[str, Path] | None = None,
) -> FastAPI:
    """The service over one knowledge base, in this process: for tests and notebooks.

    Args:
        kb: The knowledge base.
        token: What clients must send as ``Authorization: Bearer TOKEN``; None lets everyone in.
        llm: The language model that phrases reports and answers, or its spec; loaded once, by the first who needs it.
        tokens: In place of ``token``: those of several people.
        hosts: The names that it answers to.
        rate: Requests a second of one address.
        archives: Name to folder that administrators may build from.
        signing_in: Sends people to an issuer, or None.
        pairs: Name to folder of pairs with a second modality, which the archive may be searched by.
    """
    desk = OneRoom(Room(kb, llm))
    name = llm if isinstance(llm, str) else llm.name
    works = Works(kb.path, archives)
    service = Service(
        desk, desk, tokens or Tokens(plain=token), name, Notes(kb.audit), works=works, signing_in=signing_in,
        pairs=pairs or {},
    )  # fmt: skip
    return app_of(service, hosts, rate)


def app_of(service: Service, hosts: Collection[str] = LOOPBACK, rate: float = RATE, body_s: float = BODY_S) -> FastAPI:
    """The application that a service answers by; see :func:`create_app` and :class:`~precordia.serve.security.gate.Gate`."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with service.open():
            yield

    app = FastAPI(
        title="Precordia", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=life
    )
    app.state.service = service
    # The last one added is the first that a request meets.
    app.add_middleware(_Discreet)
    app.add_middleware(Counting, metrics=service.metrics)
    app.add_middleware(Gate, hosts=tuple(hosts), rate=rate, body_s=body_s)

    @app.exception_handler(PrecordiaError)
    async def explain(_: Request, error: PrecordiaError) -> Response:
        return refused(error) if isinstance(error, Refused) else response(refusal(error))

    @app.exception_handler(RequestValidationError)
    async def name_parameter(_: Request, error: RequestValidationError) -> Response:
        # Which parameter or field, and not what was sent in it.
        wrong = error.errors()[0]
        if wrong["type"] == "json_invalid" or wrong["loc"] == ("body",):
            return JSONResponse({"error": "the body is not a JSON object; send one as application/json"}, 400)
        return JSONResponse({"error": f"{'.'.join(map(str, wrong['loc'][1:]))}: {wrong['msg']}"}, 400)

    @app.exception_handler(HTTPException)
    async def not_served(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return page_response()

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Annotated[Person, Depends(needs("read"))]) -> dict[str, Any]:
        return app.openapi()

    for part in _PARTS:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def page_response() -> Response:
    """The page, with a policy that lets it run its own scripts and nobody else's."""
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    return Response(text, headers={"Content-Security-Policy": policy()}, media_type="text/html")


def policy() -> str:
    """The content security policy: nothing from elsewhere, nothing in a frame of others."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self' blob:",
            "worker-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
