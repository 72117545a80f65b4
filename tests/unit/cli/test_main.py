from __future__ import annotations

import subprocess
import sys

import pytest

from smyth.cli.main import COMMANDS
from tests.unit.cli.conftest import Smyth


def test_without_a_command_the_commands_are_listed(smyth: Smyth) -> None:
    for arguments in ([], ["--help"], ["help"]):
        ran = smyth(*arguments)
        assert ran.code == 0
        assert all(f"  {name} " in ran.out for name in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from smyth.cli.main import main; main(['--help']); "
        "sys.exit(' '.join({'typer', 'rich', 'pydantic', 'httpx', 'litellm'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_options(smyth: Smyth, name: str) -> None:
    ran = smyth(name, "--help")
    assert ran.code == 0
    assert f"smyth {name}" in ran.out


def test_wrong_usage_is_one_line_and_two(smyth: Smyth) -> None:
    for arguments, words in (
        (["validat"], 'Did you mean "validate"?'),
        (["frobnicate"], "smyth --help"),
        (["validate"], "Missing argument"),
        (["list", "--limit", "many"], "smyth list --help"),
        (["run", "x.smyth", "--nope"], "--nope"),
    ):
        ran = smyth(*arguments)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert words in ran.err
        assert ran.out == ""


def test_the_version_is_told(smyth: Smyth) -> None:
    assert smyth("--version").out.count(".") == 2
