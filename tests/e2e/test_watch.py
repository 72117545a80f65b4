"""``smyth dev --watch``, on a copy of the checkout: a change answers soon."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.laptop import ROOT, Dev, start

#: Less than five on a quiet machine; other tests run beside this one.
SOON_S = 20

_PARTS = ("infra", "functions", "shared", "layers", "docs", "examples", "cdk.json", "uv.lock", "pyproject.toml")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a laptop cloud needs of a checkout."""
    target = tmp_path_factory.mktemp("checkout")
    for name in _PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "build"))
        else:
            shutil.copy(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def watching(copy: Path) -> Iterator[Dev]:
    """A cloud that watches the copy."""
    cloud = start(copy / "data", "--watch", root=copy)
    yield cloud
    cloud.stop()


def _seconds_until(cloud: Dev, seen: Callable[[httpx.Response], bool]) -> float:
    """How long after a change the next redeployment is told and seen."""
    began = time.monotonic()
    assert cloud.process.stderr is not None
    told = cloud.process.stderr.readline()
    assert "redeployed" in told, told
    with cloud.client() as http:
        assert seen(http.get("/health"))
    return time.monotonic() - began


def test_a_changed_function_answers_soon(copy: Path, watching: Dev) -> None:
    handler = copy / "functions" / "health" / "handler.py"
    answer = '{"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "changed"}'
    before = handler.read_text()
    handler.write_text(f"def handler(event, context):\n    return {answer}\n")
    assert _seconds_until(watching, lambda health: health.text == "changed") < SOON_S
    handler.write_text(before)
    assert _seconds_until(watching, lambda health: health.json()["status"] == "ok") < SOON_S


def test_a_changed_package_answers_soon(copy: Path, watching: Dev) -> None:
    app = copy / "shared" / "smyth" / "http" / "app.py"
    app.write_text(app.read_text().replace('"x-request-id"', '"x-changed-id"'))
    assert _seconds_until(watching, lambda health: "x-changed-id" in health.headers) < SOON_S
