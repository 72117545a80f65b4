from __future__ import annotations

from collections.abc import Iterator

import pytest

from smyth.connectors.code.quickjs import QuickJsSandbox


@pytest.fixture
def sandbox() -> Iterator[QuickJsSandbox]:
    """A sandbox of one process, so that each call meets what the one before left behind."""
    made = QuickJsSandbox(at_once=1)
    yield made
    made.close()
