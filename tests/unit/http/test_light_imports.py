"""What must not be loaded before the first request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"litellm", "numpy", "boto3", "openai", "smyth.engine", "smyth.http.priming"}
FUNCTIONS = {
    "authorizer": HEAVY
    | {"fastapi", "pydantic", "mangum", "aws_lambda_powertools"}
    # Only tokens need these.
    | {"jwt", "cryptography", "httpx", "smyth.connectors.identity.tokens", "smyth.aws.audit"},
    "schedule_tick": HEAVY | {"fastapi"},
    "migrate": HEAVY | {"fastapi"},
    "table_changes": HEAVY | {"fastapi", "stripe", "fpdf"},
    "manage_keys": HEAVY,
    "manage_models": HEAVY,
    "manage_credentials": HEAVY | {"cryptography"},
    "manage_conversations": HEAVY,
    "import_agent": HEAVY,
    "run_endpoint": HEAVY | {"cryptography"},
    "agent_mcp": HEAVY | {"mcp", "mcp_types", "jsonschema"},
    "export_agent": HEAVY,
    "get_file": HEAVY,
    "openai_api": {"litellm", "numpy", "boto3", "openai", "smyth.http.priming"},
    "list_components": HEAVY,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_nothing_heavy_at_its_start(function: str) -> None:
    code = f"import sys, functions.{function}.handler; print(' '.join(sys.modules))"
    path = [str(ROOT / "shared"), str(ROOT)]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert FUNCTIONS[function].isdisjoint(run.stdout.split())
