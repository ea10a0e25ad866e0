"""Signing in and out at the page: by a token, or at the hospital's issuer."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from precordia.serve.answers import Answer, NotThere, encoded
from precordia.serve.asking import admitted, needs, noted, response, service_of
from precordia.serve.security.people import Person
from precordia.serve.security.sessions import (
    forget_leaving,
    forget_session,
    keep_leaving,
    keep_session,
    leaving_of,
    session_of,
)
from precordia.serve.security.signing_in import Leaving, SigningIn

router = APIRouter(tags=["enter"])

BACK: Final = "/v1/sign-in/issuer/back"
"""Where an issuer sends people back to; it is registered there with the service's name before it."""

NOT_LET_IN: Final = "/#not-let-in"


class Shown(BaseModel):
    """A token."""

    token: Annotated[str, Field(min_length=1, max_length=8192)]


@router.get("/v1/sign-in")
async def ways(request: Request) -> dict[str, bool]:
    """Whether one has to sign in, and whether at an issuer; needs no token."""
    service = service_of(request)
    return {"needed": service.tokens.needed, "issuer": service.signing_in is not None}


@router.post("/v1/sign-in")
async def sign_in(request: Request, shown: Shown) -> Response:
    """Sign in by a token: the answer gives a cookie that stands for it in this browser, until it is closed."""
    service = service_of(request)
    token = shown.token.strip()
    person = await admitted(request, partial(service.tokens.person, token), showed=True)
    return await _begun(request, person, partial(service.tokens.person, token), response(_told(person)))


@router.post("/v1/sign-out")
async def sign_out(request: Request, person: Annotated[Person, Depends(needs("read"))]) -> Response:
    """Sign out: the cookie is worth nothing any more."""
    secret = session_of(request)
    if secret is not None:
        service_of(request).sessions.end(secret)
    await noted(request, "sign out", Answer(b""))
    answer = response(Answer(encoded({})))
    forget_session(request, answer)
    return answer


@router.get("/v1/sign-in/issuer")
async def leave(request: Request) -> Response:
    """Go to the issuer to sign in there."""
    left = Leaving.new()
    there = await run_in_threadpool(_signing_in_of(request).address, left, _back(request))
    answer = RedirectResponse(there, 303)
    keep_leaving(request, answer, left.text())
    return answer


@router.get(BACK)
async def come_back(request: Request, code: str = "", state: str = "") -> Response:
    """Come back from the issuer."""
    signing_in = _signing_in_of(request)
    left = Leaving.of_text(leaving_of(request))
    person = None
    if left is not None and code:
        person = await run_in_threadpool(signing_in.person, code, state, left, _back(request))
    answer: Response = RedirectResponse("/" if person is not None else NOT_LET_IN, 303)
    forget_leaving(request, answer)
    return answer if person is None else await _begun(request, person, lambda: person, answer)


async def _begun(request: Request, person: Person, who: Any, answer: Response) -> Response:
    request.state.person = person
    await noted(request, "sign in", Answer(b""))
    keep_session(request, answer, service_of(request).sessions.begin(who))
    return answer


def _told(person: Person) -> Answer:
    return Answer(encoded({"name": person.name, "role": person.role}))


def _back(request: Request) -> str:
    # The gate has looked at the host: it is one of ours.
    return f"{request.url.scheme}://{request.headers['host']}{BACK}"


def _signing_in_of(request: Request) -> SigningIn:
    found = service_of(request).signing_in
    if found is None:
        raise NotThere("this service sends nobody to sign in: start it with --oidc-client")
    return found
