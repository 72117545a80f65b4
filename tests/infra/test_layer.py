from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from infra import layer
from infra.layer import LayerError, build, stage_package


@pytest.fixture(scope="session")
def archive() -> Path:
    return build("arm64")


def test_the_layer_fits_into_a_function(archive: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        size = sum(entry.file_size for entry in zipped.infolist())
    assert size < layer.LIMIT_BYTES - layer.RESERVED_BYTES


def test_the_layer_holds_what_functions_import_for_their_processor(archive: Path) -> None:
    with zipfile.ZipFile(archive) as zipped:
        names = zipped.namelist()
    for package in (
        "boto3",
        "fastapi",
        "mangum",
        "pydantic",
        "litellm",
        "numpy",
        "uvicorn",
        "quickjs",
        "aws_lambda_powertools",
    ):
        assert f"python/{package}/__init__.py" in names
    binaries = [name for name in names if name.endswith(".so")]
    assert binaries
    assert not [name for name in binaries if "x86_64" in name]
    for rest in ("aws_cdk", "ministack", "pytest", "typer", "smyth"):
        assert not [name for name in names if name.startswith(f"python/{rest}/")]


def test_a_layer_that_is_up_to_date_is_not_built_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(*arguments: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(layer, "_install", install)
    assert build("arm64") == archive


def test_equal_files_make_equal_archives(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "python").mkdir(parents=True)
        for file in ("b.py", "a.py") if name == "one" else ("a.py", "b.py"):
            (folder / "python" / file).write_text(file)
        layer._zip(folder, tmp_path / f"{name}.zip")
        made.append(hashlib.sha256((tmp_path / f"{name}.zip").read_bytes()).hexdigest())
    assert made[0] == made[1]


def test_what_is_pruned_is_listed_with_its_reason() -> None:
    rules = layer._rules()
    assert rules
    assert all(set(rule) == {"path", "reason"} and len(rule["reason"]) > 10 for rule in rules)


def test_pruning_removes_what_is_listed_and_no_more(tmp_path: Path) -> None:
    for name in ("kept/__init__.py", "kept/stub.pyi", "kept/__pycache__/x.pyc", "bin/tool", "numpy/core/tests/test.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    layer._prune(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in layer._files(tmp_path)] == ["kept/__init__.py"]


def test_our_package_travels_without_the_developer_s_rooms(tmp_path: Path) -> None:
    package = stage_package(tmp_path / "layer") / "python" / "smyth"
    rooms = {path.name for path in package.iterdir() if path.is_dir()}
    assert {"http", "platform", "engine", "aws"} <= rooms
    assert not {"cli", "local", "testing", "__pycache__"} & rooms
    assert not list(package.rglob("*.pyc"))


def test_a_layer_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(requirements: str, arch: str, target: Path) -> None:
        target.mkdir(parents=True)
        (target / "big.py").write_text("x" * 2_000_000)

    monkeypatch.setattr(layer, "BUILD", tmp_path)
    monkeypatch.setattr(layer, "_install", install)
    monkeypatch.setattr(layer, "LIMIT_BYTES", layer.RESERVED_BYTES + 1_000_000)
    with pytest.raises(LayerError, match=r"over Lambda's .* Leave more out in .*prune.toml"):
        build("arm64")
    assert not list(tmp_path.glob("*.zip"))


def test_a_failing_install_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layer, "BUILD", tmp_path)
    monkeypatch.setattr(layer, "_requirements", lambda: "no-such-package-of-ours==0 --hash=sha256:00\n")
    with pytest.raises(LayerError, match="`uv pip install` failed; the layer needs the package registry"):
        build("arm64")
