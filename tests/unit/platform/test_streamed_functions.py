"""What the web adapter needs of a function beside its handler."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smyth.platform.routes import STREAMED

FUNCTIONS = Path(__file__).resolve().parents[3] / "functions"


@pytest.mark.parametrize("name", sorted(STREAMED))
def test_a_streamed_function_has_a_script_that_starts_its_app(name: str) -> None:
    script = FUNCTIONS / name / "run.sh"
    assert os.access(script, os.X_OK)
    assert "uvicorn handler:app" in script.read_text()
