"""What docs/extending.md shows is done as it says, in a copy of the project and by installing a package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMYTH = "from smyth.cli.main import main; main()"
PAGE = (ROOT / "docs/extending.md").read_text("utf-8")
COMPONENT, TEST, PACKAGE, PACKAGE_TEST = (
    "shared/smyth/components/slug.py",
    "tests/unit/components/test_slug.py",
    "smyth-slug/pyproject.toml",
    "smyth-slug/tests/test_slug.py",
)


def blocks() -> dict[str, str]:
    """The page's code by the file that each block names in its first line."""
    found = re.findall(r"```\w+\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == PAGE.count("```") / 2
    return dict(found)


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")


def run(*command: str | Path, path: list[Path], cwd: Path) -> str:
    """Run a command of this Python, with these folders to import from."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_component_and_its_test_take_less_than_40_lines() -> None:
    page = blocks()
    assert list(page) == [COMPONENT, TEST, PACKAGE, PACKAGE_TEST]
    assert len((page[COMPONENT] + page[TEST]).splitlines()) < 40


def test_the_component_of_the_page_works_in_the_project(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "shared", tmp_path / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/unit/components/conftest.py"):
        write(tmp_path / name, (ROOT / name).read_text("utf-8"))
    page = blocks()
    for name in (COMPONENT, TEST):
        write(tmp_path / name, page[name])
    run("-m", "pytest", "-p", "no:cacheprovider", TEST, path=[tmp_path / "shared"], cwd=tmp_path)
    told = json.loads(run("-c", SMYTH, "components", "Slug", "--json", path=[tmp_path / "shared"], cwd=tmp_path))
    assert told["settings_schema"]["properties"]["separator"]["maxLength"] == 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's package, installed as anybody would."""
    folder = tmp_path_factory.mktemp("package")
    page = blocks()
    for name in (PACKAGE, PACKAGE_TEST):
        write(folder / name, page[name])
    write(folder / "smyth-slug/src/smyth_slug/__init__.py", page[COMPONENT])
    installed = folder / "site"
    subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--offline", "--no-deps",
            "--python", sys.executable, "--cache-dir", folder / "cache", "--target", installed, folder / "smyth-slug",
        ],
        check=True,
    )  # fmt: skip
    return installed


def test_an_installed_package_brings_its_component(site: Path) -> None:
    path = [site, ROOT / "shared"]
    run("-m", "pytest", "-p", "no:cacheprovider", "tests", path=path, cwd=site.parent / "smyth-slug")
    told = json.loads(run("-c", SMYTH, "components", "--json", path=path, cwd=site.parent))
    assert "Slug" in [one["name"] for one in told["items"]]


def test_without_the_package_there_is_no_such_component(site: Path) -> None:
    code = "from smyth.components.registry import is_known; assert not is_known('Slug')"
    run("-c", code, path=[ROOT / "shared"], cwd=site.parent)
