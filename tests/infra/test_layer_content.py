"""The layers as they are deployed, for both processors."""

from __future__ import annotations

import ast
import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path

import pytest

from infra.layers import bytecode, sizes
from infra.layers.archive import MEGABYTE, unzipped_size
from infra.layers.build import build, build_in
from infra.layers.recipe import recipe, recipes
from infra.layers.sizes import growth
from infra.layers.target import ARCHITECTURES, PYTHON_VERSION, Target
from infra.paths import FUNCTIONS, SMYTH

pytestmark = [
    pytest.mark.xdist_group("layers"),
    pytest.mark.skipif(
        bytecode.python(PYTHON_VERSION) is None,
        reason=f"no Python {PYTHON_VERSION} to compile layers with: `uv python install {PYTHON_VERSION}`",
    ),
]
EVERY = [(one.name, architecture) for architecture in ARCHITECTURES for one in recipes()]


@cache
def names(layer: str, architecture: str) -> tuple[str, ...]:
    with zipfile.ZipFile(build(layer, Target(architecture))) as zipped:
        return tuple(zipped.namelist())


@pytest.mark.parametrize(("layer", "architecture"), EVERY)
def test_a_layer_has_not_outgrown_its_record(layer: str, architecture: str) -> None:
    assert growth(layer, architecture, build(layer, Target(architecture))) is None


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_runtime_layer_holds_less_than_110_megabytes(architecture: str) -> None:
    assert unzipped_size(build("runtime", Target(architecture))) < 110 * MEGABYTE


@pytest.mark.parametrize(("layer", "architecture"), EVERY)
def test_a_layer_is_compiled_and_for_its_processor(layer: str, architecture: str) -> None:
    inside = names(layer, architecture)
    other = {"arm64": "x86_64", "x86_64": "aarch64"}[architecture]
    binaries = [name for name in inside if ".so" in name]
    assert bool(binaries) == (layer != "billing"), "what bills are made and paid with is Python alone"
    assert not [name for name in binaries if other in name]
    assert not [name for name in inside if name.endswith(".py")]
    assert [name for name in inside if name.startswith("licences/")]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_package_lies_in_its_layer(architecture: str) -> None:
    runtime = names("runtime", architecture)
    for package in ("boto3", "fastapi", "mangum", "pydantic", "litellm", "uvicorn", "mcp", "aws_lambda_powertools"):
        assert f"python/{package}/__init__.pyc" in runtime
    for package in ("numpy", "quickjs", "aws_cdk", "ministack", "pytest", "typer", "smyth"):
        assert not [name for name in runtime if name.startswith(f"python/{package}/")]
    assert "python/numpy/__init__.pyc" in names("vectors", architecture)
    assert "python/quickjs/__init__.pyc" in names("code", architecture)
    for package in ("docx", "lxml", "openpyxl", "pypdf", "selectolax"):
        assert f"python/{package}/__init__.pyc" in names("documents", architecture)
    assert not [name for name in names("code", architecture) if name.startswith(("python/boto", "python/litellm"))]


def test_every_service_that_our_code_calls_is_described_in_the_layer() -> None:
    asked = {
        node.args[0].value
        for source in (*SMYTH.rglob("*.py"), *FUNCTIONS.rglob("*.py"))
        if not {"local", "cli"} & set(source.relative_to(SMYTH.parent.parent).parts)
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        and getattr(node.func, "id", getattr(node.func, "attr", "")).endswith("client")
    }  # fmt: skip
    assert {"dynamodb", "s3", "secretsmanager", "lambda", "apigateway"} <= asked
    described = {name.split("/")[3] for name in names("runtime", "arm64") if name.startswith("python/botocore/data/")}
    assert asked | {"sts"} <= described


def test_two_builds_in_different_places_are_the_same_bytes(tmp_path: Path) -> None:
    target = Target("x86_64")
    made = [build_in(tmp_path / place, recipe("code"), target) for place in ("one", "two")]
    first, second = (hashlib.sha256(archive.read_bytes()).hexdigest() for archive in made)
    assert first == second == hashlib.sha256(build("code", target).read_bytes()).hexdigest()


def test_growth_by_two_megabytes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = build("code", Target("arm64"))
    size = unzipped_size(archive)
    record = tmp_path / "sizes.json"
    monkeypatch.setattr(sizes, "_RECORD", record)
    record.write_text(json.dumps({"code": {"arm64": size - sizes.TOLERANCE + 1}}))
    assert growth("code", "arm64", archive) is None
    record.write_text(json.dumps({"code": {"arm64": size - sizes.TOLERANCE}}))
    assert "has grown from" in str(growth("code", "arm64", archive))
