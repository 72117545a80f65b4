"""What integration tests stand on: an embedded AWS, and callers of tenants that nobody else uses.

Tests call functions through their handlers with :func:`tests.integration.events.call`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.dynamodb_local import dynamodb_local, lacking
from tests.integration.emulator import OPERATOR_KEY, create_resources, emulator, point_here
from tests.integration.events import Context, caller_context


@pytest.fixture(scope="session", autouse=True)
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this test process's own AWS; the environment points there.

    With ``TESTS_ON_DYNAMODB_LOCAL=1`` the table is in Amazon's DynamoDB Local.
    """
    with emulator(tmp_path_factory.mktemp("emulator")) as url, ExitStack() as further:
        environment = point_here(url)
        if os.environ.get("TESTS_ON_DYNAMODB_LOCAL") == "1":
            if lacking():
                pytest.skip(lacking())
            environment["AWS_ENDPOINT_URL_DYNAMODB"] = further.enter_context(dynamodb_local())
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        create_resources(url, environment.get("AWS_ENDPOINT_URL_DYNAMODB", url))
        yield url
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@pytest.fixture
def operator_secret(cloud: str) -> str:
    """The operator's key, as the stack's secret holds it."""
    return OPERATOR_KEY


@pytest.fixture
def caller() -> Context:
    """The owner of a fresh tenant without limits."""
    return caller_context()
