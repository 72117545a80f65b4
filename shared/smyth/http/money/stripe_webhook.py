"""What Stripe tells us. Public: the signature says who speaks."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

from smyth.connectors.payments.port import Forged
from smyth.http.answers.billing import Received
from smyth.http.problems import Problem
from smyth.http.services import services

router = APIRouter()


@router.post("/api/billing/stripe-webhook", response_model=Received)
async def receive(request: Request) -> dict[str, bool]:
    """Take a signed event of Stripe; one that came before changes nothing."""
    signature = request.headers.get("stripe-signature", "")
    message = await request.body()
    try:
        await asyncio.to_thread(services().checkout.receive, message, signature)
    except Forged as forged:
        raise Problem(400, "bad_signature", f"This is no event of Stripe for this service: {forged}") from None
    return {"received": True}
