"""Fixtures for whoever installs the package; pytest finds them by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smyth.testing import ModelServer


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A provider of models, fresh for each test; append turns to its ``script``, or let it obey what it is told."""
    with ModelServer() as server:
        yield server
