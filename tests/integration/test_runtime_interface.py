"""Every function starts and answers its sample event under AWS's own runtime interface client.

The client runs as in Lambda: a process of its own, in the function's folder, with
only the shared code and the dependencies on its path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smyth.http.services import services
from smyth.platform.routes import FUNCTIONS
from tests.integration.emulator import OPERATOR_KEY, point_here
from tests.integration.events import OPERATOR, call, caller_context
from tests.peers.lambda_runtime_api import LambdaRuntimeApi

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60

#: What the sample events call the agent, the tenant and the key that a test must provide.
_AGENT = "agt-01jd0000000000000000000000"
_TENANT = "ten-01jd0000000000000000000000"
_FILE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_KEY = "smyth_this-is-the-form-of-a-key-but-not-one-of-them"


@pytest.fixture
def ids() -> dict[str, str]:
    """What the sample events name -> what exists: a tenant, an agent with a hash endpoint, a file's link, and a key."""
    tenant = call("POST", "/api/tenants", body={"name": "Sample", "plan": "enterprise"}, caller=OPERATOR).json()["id"]
    document = json.loads((ROOT / "examples" / "hash-api.smyth").read_text())
    agent = call("POST", "/api/agents/import", body=document, caller=caller_context(tenant)).json()["id"]
    file = services().file_links.make(f"t/{tenant}/fs/report.txt", "report.txt", None)
    return {_TENANT: tenant, _AGENT: agent, _FILE: file, _KEY: OPERATOR_KEY}


@contextmanager
def runtime(function: str, cloud: str) -> Iterator[LambdaRuntimeApi]:
    """Run a function under the client until the test has its answer."""
    with LambdaRuntimeApi() as api:
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "handler.handler"],
            cwd=ROOT / "functions" / function,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT / "shared"),
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                **point_here(cloud),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield api
        finally:
            process.kill()
            process.wait()


def sample(function: str, ids: dict[str, str]) -> Any:
    """The function's sample event, about things that exist."""
    text = (ROOT / "events" / f"{function}.json").read_text()
    for name, existing in ids.items():
        text = text.replace(name, existing)
    return json.loads(text)


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
