"""Chat, streamed: what was understood first, then the answer statement by statement, while a language model writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from precordia.serve.answers import Answer, encoded
from precordia.serve.asking import Refused, needs, noted, response, service_of
from precordia.serve.work import talking

router = APIRouter(dependencies=[Depends(needs("read"))], tags=["ask"])

BEAT_S: Final = 10.0
"""How often a stream says that it is still there, s: proxies close what is silent."""


class Message(BaseModel):
    """A turn."""

    role: Literal["user", "assistant"]
    content: str


class Talk(BaseModel):
    """A conversation so far; the last message is what is to be answered."""

    messages: Annotated[list[Message], Field(max_length=2 * talking.MAX_TURNS)]
    case: str | None = None


@router.post("/v1/chat")
async def chat(request: Request, talk: Talk) -> Response:
    """Talk about a case and the archive, as a stream of events: understood, text, statement, done; or error."""
    said = talking.check_messages(talk.messages)
    service = service_of(request)
    understood = await service.quick.do(talking.understood, said[-1])
    if understood.status != 200:
        return response(understood)
    return StreamingResponse(_events(request, understood, said, talk.case), media_type="text/event-stream")


async def _events(
    request: Request, understood: Answer, said: tuple[str, ...], case: str | None
) -> AsyncIterator[bytes]:
    yield _event("understood", understood.content)
    pieces: asyncio.Queue[Answer] = asyncio.Queue()
    desk = service_of(request).slow
    work = asyncio.ensure_future(desk.do(talking.chat, said, case, told=pieces.put_nowait))
    told: set[str] = set()
    try:
        async for piece in _until(work, pieces):
            if piece is None:
                yield b": still at it\n\n"
                continue
            await noted(request, "chat", piece)
            statement = json.loads(piece.content)
            told.add(statement["id"])
            yield _event("text", encoded({"text": f"{statement['text']} "}))
            yield _event("statement", piece.content)
        answer = work.result()
        await noted(request, "chat", answer)
    except Refused as error:
        yield _event("error", encoded({"error": str(error)}))
        return
    finally:
        work.cancel()
    if answer.status != 200:
        yield _event("error", answer.content)
        return
    draft: dict[str, Any] = json.loads(answer.content)
    for statement in draft["statements"]:
        if statement["id"] not in told:
            yield _event("text", encoded({"text": f"{statement['text']} "}))
            yield _event("statement", encoded(statement))
    more = draft["note"] or (draft["abstained"] and draft["reason"])
    if more:
        yield _event("text", encoded({"text": more}))
    yield _event("done", answer.content)


async def _until(work: asyncio.Future[Answer], pieces: asyncio.Queue[Answer]) -> AsyncIterator[Answer | None]:
    """What is told until the work is done; None where nothing was for :data:`BEAT_S`."""
    while True:
        piece = asyncio.ensure_future(pieces.get())
        done, _ = await asyncio.wait({work, piece}, timeout=BEAT_S, return_when=asyncio.FIRST_COMPLETED)
        if piece in done:
            yield piece.result()
            continue
        piece.cancel()
        if work in done and pieces.empty():
            return
        if not done:
            yield None


def _event(name: str, content: bytes) -> bytes:
    """One event; JSON of ours has no line breaks."""
    return b"event: " + name.encode() + b"\ndata: " + content + b"\n\n"
