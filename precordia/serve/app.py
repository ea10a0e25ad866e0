"""The REST service. Every answer is the JSON that the command line prints with ``--json``.

    GET  /                      the viewer
    GET  /v1/health             counts and versions
    POST /v1/search             body: an ECG file (may be empty with ?text=); ?k= ?where= ?mode= ?filename=
    POST /v1/report             body: an ECG file; ?page=true for the HTML page
    POST /v1/ask?question=      body: an ECG file
    GET  /v1/cases/{case_id}    one case

Errors are ``{"error": "one line"}`` with status 400 (bad question or unusable file), 401, 404, 413 or 500. Nothing that a
client sends is logged or kept.
"""

from __future__ import annotations

import hmac
import threading
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from precordia import __version__
from precordia.core.documents import draft_document, hit_document, search_document
from precordia.core.errors import InputError, PrecordiaError, UsageError, place_of
from precordia.core.recording import Recording
from precordia.core.retrieval import HITS, PRECEDENTS, Hit, Mode, Query
from precordia.knowledge_base import KnowledgeBase
from precordia.retrieval.grammar import read_query
from precordia.serve.upload import MAX_BYTES, read_upload


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
        except Exception as error:
            if not begun:
                what = f"internal error ({type(error).__name__} in {place_of(error)}); please report it"
                await JSONResponse({"error": what}, 500)(scope, receive, send)


class _Unauthorized(PrecordiaError):
    """The token is missing or wrong."""


def create_app(kb: KnowledgeBase, *, token: str | None = None, llm: str = "none") -> FastAPI:
    """The service over one knowledge base.

    Args:
        kb: The knowledge base.
        token: What clients must send as ``Authorization: Bearer TOKEN``; None lets everyone in.
        llm: The language model that reports and answers, by its spec.
    """
    # One question at a time: the parts below are fast, and not all of them may be used from two threads.
    turn = threading.Lock()

    def authorize(authorization: Annotated[str, Header()] = "") -> None:
        if token is not None and not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise _Unauthorized("the token is missing or wrong: send Authorization: Bearer TOKEN")

    app = FastAPI(title="Precordia", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(_Discreet)
    guarded = [Depends(authorize)]

    @app.exception_handler(PrecordiaError)
    async def explain(_: Request, error: PrecordiaError) -> Response:
        status = 401 if isinstance(error, _Unauthorized) else 400 if isinstance(error, UsageError | InputError) else 500
        return JSONResponse({"error": " ".join(str(error).split())}, status)

    @app.get("/", response_class=HTMLResponse)
    def viewer() -> str:
        return (Path(__file__).parent / "viewer.html").read_text(encoding="utf-8")

    @app.get("/v1/health", dependencies=guarded)
    def health() -> dict[str, Any]:
        with turn:
            return {"status": "ok", "version": __version__, "n_cases": len(kb), "encoder": kb.manifest.encoder}

    @app.post("/v1/search", dependencies=guarded)
    def search(
        body: Annotated[bytes, Depends(_body)],
        filename: str = "upload",
        text: str | None = None,
        k: int = HITS,
        where: str | None = None,
        mode: Mode | None = None,
    ) -> Any:
        recording = read_upload(filename, body) if body else None
        query = Query(recording, text, k=k, where=where, mode=mode)
        with turn:
            hits = kb.search(query)
        read = read_query(text or "").as_document(hits)
        return jsonable_encoder(search_document(query, hits, filename if recording else None, read))

    @app.post("/v1/report", dependencies=guarded, response_model=None)
    def report(
        body: Annotated[bytes, Depends(_body)],
        filename: str = "upload",
        k: int = PRECEDENTS,
        where: str | None = None,
        page: bool = False,
    ) -> Any:
        recording = read_upload(filename, body)
        with turn:
            draft = kb.report(recording, k=k, where=where, llm=llm)
            return HTMLResponse(kb.page(draft, recording)) if page else jsonable_encoder(draft_document(draft))

    @app.post("/v1/ask", dependencies=guarded)
    def ask(
        question: str,
        body: Annotated[bytes, Depends(_body)],
        filename: str = "upload",
        k: int = PRECEDENTS,
        where: str | None = None,
    ) -> Any:
        recording: Recording = read_upload(filename, body)
        with turn:
            draft = kb.ask(question, recording, k=k, where=where, llm=llm)
        return jsonable_encoder({"question": question, **draft_document(draft)})

    @app.get("/v1/cases/{case_id}", dependencies=guarded, response_model=None)
    def case(case_id: int) -> Any:
        with turn:
            found = kb.cases([case_id])
        if not found:
            return JSONResponse({"error": f"there is no case {case_id}"}, 404)
        document = hit_document(Hit(1, 1.0, found[0]))
        return jsonable_encoder({key: document[key] for key in document if key not in ("rank", "score", "why")})

    return app


async def _body(request: Request) -> bytes:
    """The request's body, refused as soon as it is too large."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:
            raise InputError(f"the upload is larger than {MAX_BYTES // 2**20} MiB; send one ECG")
    return bytes(content)
