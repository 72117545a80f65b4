"""User code in a Lambda function of its own, whose role may do nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from smyth.aws.clients import client
from smyth.connectors.code.port import INPUT_BYTES, CodeLimits, CodeResult, SandboxError
from smyth.values import to_json


class LambdaCode:
    """Invokes the function ``run_code`` of the stack."""

    def __init__(self, function: str, limits: CodeLimits | None = None, *, tenant_id: str | None = None) -> None:
        """Take the function's physical name, and what each call may use up.

        With a tenant, as a function with tenant isolation needs it, no other tenant's code runs in the same process.
        """
        self._function = function
        self._tenant = {"TenantId": tenant_id} if tenant_id else {}
        self._limits = limits or CodeLimits()

    async def run(
        self, source: str, inputs: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
    ) -> CodeResult:
        """See :meth:`smyth.connectors.code.port.CodeSandbox.run`.

        Cancelling it leaves the code to its limits: a call of Lambda cannot be taken back.
        """
        call = {
            "source": source,
            "inputs": dict(inputs),
            "environment": None if environment is None else dict(environment),
            "limits": self._limits.model_dump(),
        }
        payload = to_json(call).encode()
        if len(payload) > INPUT_BYTES:
            return CodeResult(error=f"Code and inputs are longer than {INPUT_BYTES:,} bytes. Pass smaller values.")
        return await asyncio.to_thread(self._invoke, payload)

    def _invoke(self, payload: bytes) -> CodeResult:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = client("lambda").invoke(FunctionName=self._function, Payload=payload, **self._tenant)
            said = answer["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise SandboxError(f"The code sandbox could not be reached ({reason}). Try again in a moment.") from None
        if "FunctionError" in answer:
            raise SandboxError("The code sandbox failed; its log tells why. Try again in a moment.")
        return CodeResult.from_answer(json.loads(said))
