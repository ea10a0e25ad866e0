"""Chat, streamed: what was understood first, then the answer statement by statement."""

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
    work = asyncio.ensure_future(service_of(request).slow.do(talking.chat, said, case))
    try:
        while not (await asyncio.wait({work}, timeout=BEAT_S))[0]:
            yield b": still at it\n\n"
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
        yield _event("text", encoded({"text": f"{statement['text']} "}))
        yield _event("statement", encoded(statement))
    told = draft["note"] or (draft["abstained"] and draft["reason"])
    if told:
        yield _event("text", encoded({"text": told}))
    yield _event("done", answer.content)


def _event(name: str, content: bytes) -> bytes:
    """One event; JSON of ours has no line breaks."""
    return b"event: " + name.encode() + b"\ndata: " + content + b"\n\n"
