"""Every function starts and answers its sample event under AWS's own runtime interface client.

The client runs as in Lambda: a process of its own, in the function's folder, with
only the shared code and the dependencies on its path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smyth.platform.routes import ENTRY, FUNCTIONS
from tests.integration.emulator import point_here
from tests.integration.sample_events import provided, sample
from tests.peers.lambda_runtime_api import LambdaRuntimeApi

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60


@pytest.fixture
def ids() -> dict[str, str]:
    """What the sample events name -> what exists."""
    return provided()


@contextmanager
def runtime(function: str, cloud: str, **further: str) -> Iterator[LambdaRuntimeApi]:
    """Run a function under the client until the test has its answer; ``further`` is of its environment."""
    with LambdaRuntimeApi() as api:
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", ENTRY],
            cwd=ROOT / "functions" / function,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT / "shared"),
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                **point_here(cloud),
                **further,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield api
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
def test_starts_and_answers_its_sample_event(function: str, cloud: str, ids: dict[str, str]) -> None:
    event = sample(function, ids)
    with runtime(function, cloud) as api:
        answer = api.invoke(event, _START_SECONDS)
    assert answer.kind.endswith("/response"), answer
    if function == "authorizer":
        assert answer.payload["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    elif "httpMethod" in event:
        assert 200 <= answer.payload["statusCode"] < 400, answer.payload


def test_refuses_a_key_that_is_none(cloud: str) -> None:
    event = sample("authorizer", {})
    with runtime("authorizer", cloud) as api:
        answer = api.invoke(event, _START_SECONDS)
    assert answer.kind.endswith("/error")
    assert answer.payload["errorMessage"] == "Unauthorized"


def test_a_function_that_asks_models_goes_on_from_its_snapshot(cloud: str, ids: dict[str, str]) -> None:
    event = sample("prompt_agent", ids)
    with runtime("prompt_agent", cloud, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as api:
        answer = api.invoke(event, _START_SECONDS)
    assert api.snapshot_taken
    assert answer.payload["statusCode"] == 200, answer.payload
