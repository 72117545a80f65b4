"""Runs the JavaScript of agents. This function holds no secrets and its role may only write its log.

The engine lives in a child process here too, not in the handler's: code that breaks the memory limit, or the engine,
costs a child that is replaced within a tenth of a second, where Lambda would start the whole function anew.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from smyth.connectors.code.port import CodeLimits
from smyth.connectors.code.quickjs import QuickJsSandbox

logger = Logger(service="smyth")
sandbox = QuickJsSandbox(at_once=1)


class CodeCall(BaseModel):
    """What :class:`smyth.aws.code.LambdaCode` sends."""

    source: str
    inputs: dict[str, Any]
    environment: dict[str, str] | None = None
    limits: CodeLimits = CodeLimits()


def handler(event: Any, context: Any) -> dict[str, Any]:
    call = CodeCall.model_validate(event)
    result = asyncio.run(sandbox.run(call.source, call.inputs, environment=call.environment, limits=call.limits))
    # Neither code nor values: the log of this function is nobody's.
    logger.info("code ran", failed=bool(result.error), log_lines=len(result.logs))
    return result.as_answer()
