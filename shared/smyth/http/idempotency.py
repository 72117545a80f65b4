"""The Idempotency-Key header: what a repeated request is answered."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from smyth.http.caller import known_caller
from smyth.http.services import services
from smyth.platform.idempotency import Answer, Claim, Taken, new_claim, replay
from smyth.platform.leases import lease_of
from smyth.platform.times import utc_now

HEADER = "idempotency-key"
REPLAYED_HEADER = "idempotency-replayed"


@dataclass(frozen=True, slots=True)
class Seed:
    """What a created thing is made from, the same for a request and its repetitions."""

    #: A ULID in lower case, for the thing's id.
    ulid: str
    #: Random, known to nobody outside, for what must not be guessed.
    salt: str


async def once(
    request: Request,
    owner: str,
    create: Callable[[Seed], dict[str, Any]],
    *,
    hidden: Callable[[Seed], dict[str, Any]] = lambda seed: {},
) -> Response:
    """Create something and answer 201; under an Idempotency-Key, create it once and answer the same again.

    Args:
        request: The request.
        owner: Whose keys these are: a tenant, or a single API key where answers depend on it.
        create: Does the work and returns the answer. It may run twice with one seed, after a crash.
        hidden: Members of the answer that are never stored, made anew for each repetition.

    Raises:
        PlatformError: What ``create`` raises; the key belongs to another request (422) or to one still at work (409).
    """
    route = f"{request.method} {request.scope['route'].path}"
    request_id: str = request.scope["smyth.request_id"]
    claim = await claim_of(request, owner, route)
    if claim is None:
        seed = Seed(request_id.lower(), secrets.token_hex(16))
        return _created(await asyncio.to_thread(create, seed) | hidden(seed))
    taken = await asyncio.to_thread(services().claims.take, claim, utc_now())
    seed = Seed(taken.first.lower(), taken.salt)
    if isinstance(taken, Taken):
        response = replayed(replay(claim, taken))
        extra = hidden(seed)
        return _created(_members(response) | extra, {REPLAYED_HEADER: "true"}) if extra else response
    try:
        made = await asyncio.to_thread(create, seed)
    except Exception:
        await asyncio.to_thread(services().claims.drop, taken)
        raise
    await asyncio.to_thread(services().claims.finish, taken, to_answer(_created(made)))
    return _created(made | hidden(seed))


async def claim_of(request: Request, owner: str, route: str) -> Claim | None:
    """Return the claim that the request's Idempotency-Key asks for, or None without one."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    # Part of the request is who asks: others of the tenant may be denied what the first one got.
    caller = known_caller(request)
    asker = caller.key_id if caller else ""
    head = f"{asker} {request.method} {request.url.path}?{request.url.query}\n".encode()
    return new_claim(
        tenant_id=owner,
        route=route,
        key=key,
        content=head + await request.body(),
        request_id=request.scope["smyth.request_id"],
        now=utc_now(),
        lease=lease_of(route),
    )


def to_answer(response: Response) -> Answer:
    """Return what is kept of a response."""
    kept = {name: value for name, value in response.headers.items() if name.startswith("x-usage-")}
    return Answer(response.status_code, response.headers.get("content-type", ""), bytes(response.body), kept)


def replayed(answer: Answer) -> Response:
    """Return a kept answer as a response."""
    headers = answer.headers | {REPLAYED_HEADER: "true"}
    return Response(answer.body, answer.status, headers=headers, media_type=answer.content_type)


def _created(members: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(jsonable_encoder(members), 201, headers=headers)


def _members(response: Response) -> dict[str, Any]:
    import json

    return dict(json.loads(bytes(response.body)))
