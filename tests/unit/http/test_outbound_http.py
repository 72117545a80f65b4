"""What the agents of a stack may call."""

from __future__ import annotations

import pytest

from smyth.connectors.http.port import ForbiddenAddress, HttpRequest
from smyth.http.services import Services
from smyth.http.settings import Settings
from tests.peers import web_server


def stack(*, allow_private_http: bool = False, allowed_http: tuple[str, ...] = ()) -> Services:
    return Services(Settings("t", "b", allow_private_http=allow_private_http, allowed_http=allowed_http))


async def test_agents_of_a_stack_reach_public_addresses_only() -> None:
    with web_server.running() as web:
        with pytest.raises(ForbiddenAddress):
            await stack().http.send(HttpRequest(web.url))
        assert web.asked == []


async def test_a_stack_may_allow_an_address_or_on_a_laptop_all() -> None:
    with web_server.running() as web:
        for services in (stack(allowed_http=("127.0.0.1",)), stack(allow_private_http=True)):
            assert (await services.http.send(HttpRequest(web.url))).status == 200
