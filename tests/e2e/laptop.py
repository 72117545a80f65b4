"""A laptop cloud as its users start it: ``smyth dev`` in a process group of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Dev:
    """A running ``smyth dev``."""

    url: str
    operator_key: str
    tenant_id: str
    tenant_key: str
    model_server: str
    data: Path
    process: subprocess.Popen[str]

    @property
    def emulator_url(self) -> str:
        port = json.loads((self.data / "settings.json").read_text())["emulator_port"]
        return f"http://127.0.0.1:{port}"

    def client(self, key: str | None = None) -> httpx.Client:
        """A client with the demo tenant's key or another."""
        headers = {"x-api-key": self.tenant_key if key is None else key}
        return httpx.Client(base_url=self.url, headers=headers, timeout=90, trust_env=False)

    def tenant(self, plan: str, **limits: int) -> str:
        """The owner key of a new tenant."""
        with self.client(self.operator_key) as operator:
            made = operator.post("/api/tenants", json={"name": "test", "plan": plan, "limits": limits})
            assert made.status_code == 201, made.text
            key = operator.post("/api/keys", json={"name": "k", "role": "owner", "tenant_id": made.json()["id"]})
            assert key.status_code == 201, key.text
        return str(key.json()["key"])

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        """End the whole process group at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(data: Path, *arguments: str, root: Path = ROOT, like: Dev | None = None) -> Dev:
    """Start ``smyth dev`` in a process group of its own and wait until it says it is up.

    Args:
        data: Its data folder.
        arguments: Further options.
        root: The checkout to run.
        like: A cloud whose template is taken instead of making the same again.
    """
    data.mkdir(parents=True, exist_ok=True)
    if like:
        shutil.copytree(like.data / "cdk.out", data / "cdk.out")
    log = (data / "output.log").open("w+")
    smyth = [sys.executable, "-c", "from smyth.cli.main import main; main()"]
    process = subprocess.Popen(
        [*smyth, "dev", "--port", "0", "--data", str(data), *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "shared")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        log.write(line)
        if "Ctrl-C" in line:
            break
    else:
        process.wait()
        log.seek(0)
        pytest.fail(f"smyth dev did not start:\n{log.read()}")
    said = json.loads((data / "dev.json").read_text())
    assert said.pop("pid") == process.pid
    return Dev(**said, data=data, process=process)


def processes_left(data: Path, within_s: float = 5.0) -> list[int]:
    """The processes of a killed cloud that are still there after a moment: children go when their pipe ends."""
    deadline = time.monotonic() + within_s
    while (left := processes_of(data)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def processes_of(data: Path) -> list[int]:
    """The processes that belong to the cloud on this data folder."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"SMYTH_LAPTOP_CLOUD={data}".encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
        except OSError:
            continue
    return found
