"""What starting each function costs: whole-process time and memory, in fresh processes."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from smyth.platform.routes import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]

#: Imports the handler as Lambda does, then tells its own peak memory and whether the model library came along.
_START = """
import importlib, sys
importlib.import_module("handler")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, "litellm" in sys.modules)
"""
#: The least that a function answering HTTP from DynamoDB must import; figures are told as a ratio to it.
_BASELINE = """
import fastapi, mangum, boto3
boto3.client("dynamodb", region_name="us-east-1")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, False)
"""


@dataclass(frozen=True)
class Start:
    """One function's start: medians over the rounds."""

    name: str
    wall_ms: float
    cpu_ms: float
    rss_mb: int
    litellm: bool


def measure(rounds: int = 5) -> list[Start]:
    """Start the baseline and every function ``rounds`` times, in turns so that a busy moment hits all alike."""
    names = ["baseline", *(function.name for function in FUNCTIONS)]
    samples: dict[str, list[Start]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            samples[name].append(_start(name))
    return [
        Start(
            name,
            statistics.median(sample.wall_ms for sample in found),
            statistics.median(sample.cpu_ms for sample in found),
            max(sample.rss_mb for sample in found),
            any(sample.litellm for sample in found),
        )
        for name, found in samples.items()
    ]


def _start(name: str) -> Start:
    baseline = name == "baseline"
    folder = ROOT if baseline else ROOT / "functions" / name
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'shared'}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "TABLE_NAME": "bench",
        "BUCKET_NAME": "bench",
        "OPERATOR_SECRET_ARN": "bench",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _BASELINE if baseline else _START],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rss, litellm = done.stdout.split()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(name, wall * 1000, cpu * 1000, int(rss), litellm == "True")
