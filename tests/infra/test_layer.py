"""The recipes of the layers, and how they are followed."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

from infra.layers import build as building
from infra.layers import bytecode, uv
from infra.layers.archive import files, write_zip
from infra.layers.build import build_in
from infra.layers.errors import LayerError
from infra.layers.metadata import slim_metadata
from infra.layers.package import stage_package
from infra.layers.recipe import Cut, Recipe, prune, recipe, recipes
from infra.layers.target import Target, here, running
from smyth.platform.routes import FUNCTIONS


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files(folder)]


def test_every_layer_that_a_function_carries_has_a_recipe() -> None:
    carried = {name for function in FUNCTIONS for name in function.layers}
    assert carried == {one.name for one in recipes()}


def test_only_who_asks_models_carries_numpy_and_only_the_sandbox_its_engine() -> None:
    assert {one.name for one in FUNCTIONS if "vectors" in one.layers} == {one.name for one in FUNCTIONS if one.models}
    assert [one.name for one in FUNCTIONS if "documents" in one.layers] == ["index_knowledge"]
    assert [one.name for one in FUNCTIONS if "code" in one.layers] == ["run_code"]
    assert [one.layers for one in FUNCTIONS if one.name == "run_code"] == [("code",)]


def test_no_function_can_outgrow_what_lambda_takes() -> None:
    lambdas_limit_mb, our_code_mb = 250, 10
    for function in FUNCTIONS:
        assert sum(recipe(name).limit_mb for name in function.layers) <= lambdas_limit_mb - our_code_mb


def test_the_rest_has_what_no_other_layer_has_alone() -> None:
    requirements = recipe("runtime").requirements
    for package in ("litellm", "boto3", "fastapi", "pydantic", "aws-lambda-powertools", "mangum", "uvicorn"):
        assert f"\n{package}==" in requirements
    for package in ("numpy", "quickjs-ng", "lxml", "aws-cdk-lib", "ministack", "onnxruntime", "pytest", "typer"):
        assert f"\n{package}==" not in requirements


def test_a_package_that_is_not_locked_is_told() -> None:
    with pytest.raises(LayerError, match=r"vectors/recipe.toml names numpie, which uv.lock does not have"):
        _ = Recipe("vectors", ("numpie",), 1, ()).requirements


@pytest.mark.parametrize("name", [one.name for one in recipes()])
def test_what_is_left_out_has_its_reason(name: str) -> None:
    cuts = recipe(name).cuts
    assert cuts
    assert all(len(cut.reason) > 10 for cut in cuts)
    assert len({cut.path for cut in cuts}) == len(cuts)


def test_pruning_removes_what_is_named_and_no_more(tmp_path: Path) -> None:
    write(tmp_path, **{"kept/a.py": "", "kept/stub.pyi": "", "bin/tool": "", "server/deep/x.py": "", "server/y.py": ""})
    prune(tmp_path, (Cut("**/*.pyi", ""), Cut("bin", ""), Cut("server", "", ("server/deep/x.py",))))
    assert names(tmp_path) == ["kept/a.py", "server/deep/x.py"]


def test_a_cut_that_finds_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match='"gone" finds nothing to leave out any more'):
        prune(tmp_path, (Cut("gone", ""),))


def test_a_file_to_keep_that_is_gone_is_told(tmp_path: Path) -> None:
    write(tmp_path, **{"server/x.py": ""})
    with pytest.raises(LayerError, match=r'"server/y\.py" is to be kept and is not there'):
        prune(tmp_path, (Cut("server", "", ("server/x.py", "server/y.py")),))


def test_metadata_keeps_what_programs_read_and_licences_go_to_one_place(tmp_path: Path) -> None:
    write(
        tmp_path / "python",
        **{
            "one-1.0.dist-info/METADATA": "Name: one\nVersion: 1.0\nAuthor: A\n\nName: long text\n",
            "one-1.0.dist-info/RECORD": "files",
            "one-1.0.dist-info/entry_points.txt": "[group]\n",
            "one-1.0.dist-info/licenses/LICENSE": "may be used",
        },
    )
    slim_metadata(tmp_path / "python", tmp_path / "licences")
    assert names(tmp_path) == [
        "licences/one/licenses/LICENSE",
        "python/one-1.0.dist-info/METADATA",
        "python/one-1.0.dist-info/entry_points.txt",
    ]
    assert (tmp_path / "python/one-1.0.dist-info/METADATA").read_text() == "Name: one\nVersion: 1.0\n"


def test_bytecode_takes_the_place_of_sources_and_names_where_lambda_unpacks(tmp_path: Path) -> None:
    write(tmp_path, **{"python/one/__init__.py": "def where(): return where.__code__.co_filename\n"})
    assert bytecode.compile_all(tmp_path, version=running(), keep_source=False)
    assert names(tmp_path) == ["python/one/__init__.pyc"]
    content = (tmp_path / "python/one/__init__.pyc").read_bytes()
    assert int.from_bytes(content[4:8], "little") == 0b01, "by hash, and unchecked"
    assert b"/opt/python/one/__init__.py" in content
    assert str(tmp_path).encode() not in content


def test_what_no_python_can_read_stays_a_source(tmp_path: Path) -> None:
    write(tmp_path, **{"python/one.py": "x = 1\n", "python/template.py": "class {{ name }}:\n"})
    assert bytecode.compile_all(tmp_path, version=running(), keep_source=False)
    assert names(tmp_path) == ["python/one.pyc", "python/template.py"]


def test_without_a_python_to_compile_the_sources_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytecode, "python", lambda version: None)
    write(tmp_path, **{"python/one.py": "x = 1\n"})
    assert not bytecode.compile_all(tmp_path, version="3.13", keep_source=False)
    assert names(tmp_path) == ["python/one.py"]


def test_the_running_python_compiles_for_itself() -> None:
    assert bytecode.python(running()) == sys.executable


def test_equal_files_make_equal_archives(tmp_path: Path) -> None:
    made = []
    for folder, order in (("one", ("b.py", "a.py")), ("two", ("a.py", "b.py"))):
        for name in order:
            write(tmp_path / folder, **{f"python/{name}": name})
            os.utime(tmp_path / folder / "python" / name, (time.time(), len(made) * 1e9))
        write_zip(tmp_path / folder, tmp_path / f"{folder}.zip")
        made.append(hashlib.sha256((tmp_path / f"{folder}.zip").read_bytes()).hexdigest())
    assert made[0] == made[1]


def test_our_package_travels_without_the_developer_s_rooms(tmp_path: Path) -> None:
    package = stage_package(tmp_path / "layer") / "python" / "smyth"
    rooms = {path.name for path in package.iterdir() if path.is_dir()}
    assert {"http", "platform", "engine", "aws"} <= rooms
    assert not {"cli", "local", "testing", "__pycache__"} & rooms
    assert not list(package.rglob("*.pyc"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A layer of one file, which is counted each time it is made."""
    made: list[str] = []

    def install(requirements: str, target: Target, folder: Path) -> None:
        made.append(requirements)
        write(folder, **{"one.py": f"number = {len(made)}\n" + "#" * 2_000_000})

    monkeypatch.setattr(building, "install", install)
    monkeypatch.setattr(bytecode, "python", lambda version: None)
    return Recipe("vectors", ("numpy",), 3, ())


def test_a_layer_that_is_up_to_date_is_not_built_again(small: Recipe, tmp_path: Path) -> None:
    first = build_in(tmp_path, small, here()).read_bytes()
    assert build_in(tmp_path, small, here()).read_bytes() == first
    changed = Recipe("vectors", ("numpy",), 4, ())
    assert build_in(tmp_path, changed, here()).read_bytes() != first


def test_a_layer_over_its_limit_is_refused(small: Recipe, tmp_path: Path) -> None:
    tight = Recipe("vectors", ("numpy",), 1, ())
    with pytest.raises(LayerError, match=r'"vectors" holds 2.0 MB; its limit is 1 MB. Leave more out in .*recipe.toml'):
        build_in(tmp_path, tight, here())
    assert not list(tmp_path.glob("*.zip"))


def test_a_failing_install_is_told(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="`uv pip install` failed; a layer needs the package registry"):
        uv.install("no-such-package-of-ours==0 --hash=sha256:00\n", here(), tmp_path / "python")
