"""One laptop cloud for all end-to-end tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.laptop import Dev, processes_of, start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs those that share the cloud."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("dev"))


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """The session's cloud."""
    cloud = start(tmp_path_factory.mktemp("dev"))
    yield cloud
    cloud.stop()
    assert processes_of(cloud.data) == []
