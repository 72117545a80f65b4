"""Asks the stack's own authorizer function who a caller is, where the emulator's API cannot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from smyth.http.problems import Problem
from smyth.local.deploy import Deployed
from smyth.local.emulator import ACCOUNT, REGION

#: A laptop runs each call of a function as a process: a burst is asked for faster in turn than at once.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the authorizer answered."""

    allowed: bool
    usage_identifier: str = ""
    context: dict[str, str] = field(default_factory=dict)


class Authorizer:
    """Calls the authorizer function with the event that API Gateway would send."""

    def __init__(self, http: httpx.AsyncClient, emulator_url: str, deployed: Deployed) -> None:
        self._http = http
        self._url = f"{emulator_url}/2015-03-31/functions/{deployed.functions['authorizer']}/invocations"
        self._arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{deployed.api_id}/{deployed.stage}"
        self._stage = deployed.stage
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(
        self, key: str | None, *, method: str, path: str, resource: str, source_ip: str, tenant_id: str = ""
    ) -> Verdict | None:
        """The verdict on a key for a route; None when the key is unknown.

        Args:
            key: A key or a token.
            method: Of the request.
            path: Of the request.
            resource: The route's path.
            source_ip: Where the request came from.
            tenant_id: Which tenant a member of several means.

        Raises:
            Problem: 500, the authorizer failed.
        """
        shown = {"Authorization": f"Bearer {key}"} if key else {}
        event = {
            "type": "REQUEST",
            "methodArn": f"{self._arn}/{method}{path}",
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": shown | ({"x-tenant-id": tenant_id} if tenant_id else {}),
            "requestContext": {"stage": self._stage, "httpMethod": method, "identity": {"sourceIp": source_ip}},
        }
        async with self._turns:
            answer = await self._http.post(self._url, json=event)
        said: dict[str, Any] = answer.json()
        if said.get("errorMessage") == "Unauthorized":
            return None
        if answer.status_code != 200 or "policyDocument" not in said:
            raise Problem(500, "authorizer_failed", "The key could not be checked. See .smyth/logs/functions.")
        effects = {statement["Effect"] for statement in said["policyDocument"]["Statement"]}
        context = {"principalId": said.get("principalId", ""), **said.get("context", {})}
        return Verdict(effects == {"Allow"}, said.get("usageIdentifierKey") or "", context)
