"""What happens around the snapshot of a function that asks models."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from smyth.http import priming
from smyth.http.app import create_app, lambda_handler
from smyth.http.services import Services
from smyth.http.settings import Settings

ROOT = Path(__file__).resolve().parents[3]

#: Warms a function where every connection is noted and refused, then shows what a snapshot would hold.
_WARM = """
import gc, os, random, socket, sys
tried = []
def refuse(*arguments, **_):
    tried.append(arguments)
    raise OSError("no network before the snapshot")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import handler
from smyth.http.priming import renew, warm
gc.disable()
warm(handler.app)
assert not tried, tried
loaded = {"litellm", "openai", "botocore", "smyth.conversation", "smyth.engine"}
assert loaded <= set(sys.modules), loaded - set(sys.modules)
secret = os.environ["OPENAI_API_KEY"]
holders = [type(one) for one in gc.get_objects() if isinstance(one, dict) and one is not os.environ._data
           for value in list(one.values()) if value == secret]
assert not holders, holders
state = random.getstate()
renew()
assert random.getstate() != state
print("warm")
"""


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes when an app is warmed and renewed, instead of doing it."""
    done: list[str] = []
    monkeypatch.setattr(priming, "warm", lambda app: done.append(f"warm {app.title}"))
    monkeypatch.setattr(priming, "renew", lambda: done.append("renew"))
    return done


class Runtime(ModuleType):
    """What Lambda's Python runtime brings to register functions with, and runs itself."""

    def __init__(self) -> None:
        super().__init__("snapshot_restore_py")
        self.before: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self.after: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def register_before_snapshot(self, work: Callable[..., object], *given: Any) -> None:
        self.before.append((work, given))

    def register_after_restore(self, work: Callable[..., object], *given: Any) -> None:
        self.after.append((work, given))


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    made = Runtime()
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", made)
    return made


def on_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH", "/_snapshot/before")
    monkeypatch.setenv("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH", "/_snapshot/restored")


def test_the_runtime_warms_before_the_snapshot_and_renews_after_each_restore(
    runtime: Runtime, work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    app = create_app("talk")
    lambda_handler(app)
    for registered in (runtime.before, runtime.after, runtime.after):
        for hook, given in registered:
            hook(*given)
    assert work == ["warm talk", "renew", "renew"]
    assert {route.path for route in app.routes if hasattr(route, "path")} == set()


def test_a_web_app_behind_the_adapter_is_told_by_the_adapter(
    runtime: Runtime, work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    on_adapter(monkeypatch)
    app = create_app("stream")
    lambda_handler(app)
    with TestClient(app) as adapter:
        assert adapter.post("/_snapshot/before").status_code == 204
        assert adapter.post("/_snapshot/restored").status_code == 204
    assert work == ["warm stream", "renew"]
    assert runtime.before == runtime.after == []


def test_the_adapter_learns_of_a_web_app_that_could_not_be_warmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_adapter(monkeypatch)

    def fail(_: FastAPI) -> None:
        raise RuntimeError("the library is broken")

    monkeypatch.setattr(priming, "warm", fail)
    app = create_app("stream")
    priming.prime_for_snapshot(app)
    with TestClient(app, raise_server_exceptions=False) as adapter:
        assert adapter.post("/_snapshot/before").status_code == 500


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", ""])
def test_without_a_snapshot_nothing_is_registered(kind: str, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    on_adapter(monkeypatch)
    app = create_app("talk")
    lambda_handler(app)
    assert runtime.before == runtime.after == []
    assert not TestClient(app).post("/_snapshot/before").is_success


def test_each_restored_environment_draws_its_own_random_numbers_and_makes_its_own_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Services(Settings(table_name="t", bucket_name="b"))
    monkeypatch.setattr(priming, "services", lambda: made)
    snapshot, models, client = random.getstate(), made.models, made.table.client
    drawn = set()
    for _ in range(3):
        random.setstate(snapshot)
        priming.renew()
        drawn.add(random.random())
    assert len(drawn) == 3
    assert made.models is not models
    assert made.table.client is client


def test_a_failure_while_warming_is_told_so_that_the_version_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no network")

    monkeypatch.setattr(priming, "_load", fail)
    with pytest.raises(RuntimeError, match="could not be warmed for its snapshot: OSError"):
        priming.warm(create_app("talk"))


def test_warming_loads_what_answers_need_and_neither_calls_anybody_nor_reads_a_key() -> None:
    secrets = {"OPENAI_API_KEY": "sk-of-the-stack-0123456789", "ANTHROPIC_API_KEY": "sk-ant", "GOOGLE_AI_API_KEY": "g"}
    role = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/role", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-c", _WARM],
        cwd=ROOT / "functions" / "prompt_agent",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "shared"), "TABLE_NAME": "t", "BUCKET_NAME": "b"}
        | secrets
        | role,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.endswith("warm\n"), done.stderr
