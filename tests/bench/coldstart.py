"""What a cold start costs: a whole process, from its start to its first answer, under AWS's own runtime client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smyth.connectors.models.litellm_calls import SWITCHES
from smyth.platform.routes import ENTRY, FUNCTIONS, Function
from tests.peers.lambda_runtime_api import LambdaRuntimeApi

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120
#: What Lambda's Python runtime brings along itself.
_RUNTIME = ("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
#: The least that a function answering HTTP from DynamoDB must import.
_BASELINE = 'import fastapi, mangum, boto3; boto3.client("dynamodb", region_name="us-east-1"); print(flush=True)'
_LITELLM = "import litellm; print(flush=True)"
#: Primed once, then forked for each round as a restored snapshot would go on, without the time to restore.
_PRIMED = """
import importlib, json, os, sys, time
handler = importlib.import_module("handler")
from smyth.http.priming import renew, warm
from tests.integration.events import LambdaContext
warm(handler.app)
event = json.load(sys.stdin)
for _ in range(int(sys.argv[1])):
    started = time.perf_counter()
    if os.fork() == 0:
        renew()
        answer = handler.handler(event, LambdaContext())
        took = (time.perf_counter() - started) * 1000
        print("@", took, time.process_time() * 1000, answer["statusCode"], flush=True)
        os._exit(0)
    os.wait()
"""


@dataclass(frozen=True)
class Start:
    """One start to its first answer."""

    wall_ms: float
    cpu_ms: float
    #: Resident memory at the first answer.
    rss_mb: float


@dataclass(frozen=True)
class Code:
    """Where functions find what they import: the layers as Lambda unpacks them, or this environment."""

    layers: Mapping[Any, Path]
    runtime: Path

    def command(self, *arguments: str) -> list[str]:
        """Python, without the environment's packages where there are layers."""
        return [sys.executable, *(["-S"] if self.layers else []), *arguments]

    def path(self, function: Function) -> str:
        """What a function finds."""
        layers = [str(self.layers[name] / "python") for name in function.layers if self.layers]
        return os.pathsep.join([str(ROOT / "shared"), *layers, *([str(self.runtime)] if self.layers else [])])


@contextmanager
def layered() -> Iterator[Code]:
    """The layers as built for this machine and its Python; they are built where they are not there yet."""
    from infra.layers.build import content
    from infra.layers.target import here, running

    named = sorted({name for function in FUNCTIONS for name in function.layers})
    layers = {name: content(name, here(running())) for name in named}
    with TemporaryDirectory(prefix="smyth-runtime-") as folder:
        for name in _RUNTIME:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            source = Path(spec.origin)
            source = source.parent if source.name == "__init__.py" else source
            (Path(folder) / source.name).symlink_to(source)
        yield Code(layers, Path(folder))


def from_environment() -> Code:
    """This environment, uncut."""
    return Code({}, Path())


def first_answer(function: Function, event: Any, environment: Mapping[str, str], code: Code) -> Start:
    """Start a function and wait for its first answer.

    Raises:
        RuntimeError: The answer is an error.
    """
    with LambdaRuntimeApi() as api:
        started = time.perf_counter()
        process = subprocess.Popen(
            code.command("-m", "awslambdaric", ENTRY),
            cwd=ROOT / "functions" / function.name,
            env=_environment(environment, code.path(function))
            | {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            answer = api.invoke(event, _PATIENCE_S)
            wall_ms = (time.perf_counter() - started) * 1000
            taken = Start(wall_ms, _cpu_ms(process.pid), _rss_mb(process.pid))
        finally:
            process.kill()
            _, said = process.communicate()
    status = answer.payload.get("statusCode", 200) if isinstance(answer.payload, dict) else 200
    if not answer.kind.endswith("/response") or status >= 400:
        raise RuntimeError(f"{function.name} answered {answer}: {said.decode()[-2000:]}")
    return taken


def baseline(code: Code) -> Start:
    """Start a process that imports fastapi and mangum, makes a client of DynamoDB, and nothing else."""
    return _until_printed(_BASELINE, {}, code)


def import_litellm(code: Code) -> Start:
    """Start a process that imports LiteLLM and nothing else."""
    return _until_printed(_LITELLM, SWITCHES, code)


def from_snapshot(
    function: Function, event: Any, environment: Mapping[str, str], code: Code, rounds: int
) -> list[tuple[float, float]]:
    """Wall and CPU milliseconds from a primed process to its first answer, by forking it again and again.

    Raises:
        RuntimeError: It did not answer each time.
    """
    path = f"{code.path(function)}{os.pathsep}{ROOT}"
    done = subprocess.run(
        code.command("-c", _PRIMED, str(rounds)),
        cwd=ROOT / "functions" / function.name,
        env=_environment(environment, path),
        input=json.dumps(event),
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("@")]
    if len(lines) != rounds or any(int(status) >= 400 for *_, status in lines):
        raise RuntimeError(f"{function.name} did not answer from its snapshot: {(done.stdout + done.stderr)[-2000:]}")
    return [(float(wall), float(cpu)) for _, wall, cpu, _ in lines]


def _until_printed(source: str, environment: Mapping[str, str], code: Code) -> Start:
    whole = next(function for function in FUNCTIONS if "runtime" in function.layers)
    started = time.perf_counter()
    process = subprocess.Popen(
        code.command("-c", f"{source}; input()"),
        env=_environment(environment, code.path(whole)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"nothing came of: {source}")
    taken = Start((time.perf_counter() - started) * 1000, _cpu_ms(process.pid), _rss_mb(process.pid))
    process.communicate(b"\n")
    return taken


def _environment(further: Mapping[str, str], path: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, **further}


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
