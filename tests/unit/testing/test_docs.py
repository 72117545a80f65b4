"""What docs/testing.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smyth.testing import obedience, turns

pytest_plugins = ["pytester"]
# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

TEXT = (Path(__file__).resolve().parents[3] / "docs/testing.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_tests_on_the_page_pass(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(BLOCKS)})
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=sum(block.count("def test_") for block in BLOCKS))


def test_every_word_and_every_turn_is_told() -> None:
    words = re.findall(r"^\| `(\w+): ", TEXT, re.MULTILINE)
    assert sorted(words) == sorted(obedience._WORDS.split("|"))
    told = set(re.findall(r"^\| `([A-Z]\w+)\(", TEXT, re.MULTILINE))
    assert told == {"Call", *(turn.__name__ for turn in turns.Turn.__args__)}
