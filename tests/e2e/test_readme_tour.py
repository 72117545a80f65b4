"""The tour of the README is true: every command works and prints what stands below it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.laptop import ROOT, Dev

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "=== end of block ==="


def _blocks() -> list[tuple[str, str]]:
    """The code blocks between the two marks, in order: language and text."""
    _, rest = (ROOT / "README.md").read_text().split("<!-- tour:")
    tour, _ = rest.split("<!-- end of tour -->")
    return _BLOCK.findall(tour)


def _script(blocks: list[tuple[str, str]]) -> str:
    parts = ["set -euo pipefail"]
    for language, text in blocks:
        if language in ("bash", "python"):
            command = text if language == "bash" else f"python - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON\n"
            parts.append(f"{command}\necho; echo '{_END}'")
    return "\n".join(parts)


def _expected(blocks: list[tuple[str, str]]) -> list[tuple[str, str] | None]:
    """For each command the block that shows its output, where there is one."""
    found: list[tuple[str, str] | None] = []
    for language, text in blocks:
        if language in ("bash", "python"):
            found.append(None)
        else:
            found[-1] = (language, text)
    return found


def _same(shown: Any, printed: Any) -> bool:
    """Compare JSON; ``"..."`` stands for anything, and members that are not shown may be there."""
    if shown == "...":
        return True
    if isinstance(shown, dict) and isinstance(printed, dict):
        return all(name in printed and _same(value, printed[name]) for name, value in shown.items())
    if isinstance(shown, list) and isinstance(printed, list):
        return len(shown) == len(printed) and all(map(_same, shown, printed))
    return bool(shown == printed)


def _same_lines(shown: str, printed: str) -> bool:
    lines = [line for line in printed.splitlines() if line.strip()]
    patterns = [re.escape(line).replace(r"\.\.\.", ".*") for line in shown.splitlines()]
    return len(lines) == len(patterns) and all(map(re.fullmatch, patterns, lines))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour uses curl")
def test_the_tour_prints_what_the_readme_shows(dev: Dev, tmp_path: Path) -> None:
    for name, target in ((".venv", Path(sys.prefix)), ("examples", ROOT / "examples"), (".smyth", dev.data)):
        (tmp_path / name).symlink_to(target)
    blocks = _blocks()
    script = _script(blocks).replace("http://127.0.0.1:8080", dev.url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMYTH_")}
    ran = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed = ran.stdout.split(_END)[:-1]
    expected = _expected(blocks)
    assert len(printed) == len(expected)
    assert sum(shown is not None for shown in expected) >= 8
    for shown, text in zip(expected, printed, strict=True):
        if shown is not None:
            language, content = shown
            right = _same(json.loads(content), json.loads(text)) if language == "json" else _same_lines(content, text)
            assert right, f"README shows:\n{content}\nprinted:\n{text}"
