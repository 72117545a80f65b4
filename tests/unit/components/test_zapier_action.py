from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components._files import File, keep
from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.ports import Ports
from tests.peers.zapier_server import ACTION, KEY, ZapierServer
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[ZapierServer]:
    with ZapierServer() as server:
        yield server


@pytest.fixture
def ports(server: ZapierServer) -> Ports:
    return ports_of({"zapier": KEY}, zapier=server.url)


def settings(**data: str) -> dict[str, str]:
    return {"actionName": "Send", "actionId": ACTION, "apiKey": "{{KEY(zapier)}}"} | data


async def test_an_action_gets_all_inputs_and_its_answer_is_given(
    outputs_of: OutputsOf, server: ZapierServer, ports: Ports
) -> None:
    inputs = {"instructions": "Greet Ada", "to": "ada@example.org", "copies": [1, None]}
    found = await outputs_of("ZapierAction", settings(params='{"to": "str"}'), inputs, ports=ports)
    assert found["Output"]["status"] == "success"
    assert found["Output"]["input_params"] == inputs
    assert server.asked[0].query == {"api_key": KEY}


async def test_variables_go_along_but_for_those_from_the_vault(
    make_call: Callable[..., Any], server: ZapierServer, ports: Ports
) -> None:
    variables = {"city": "Rome", "token": "from the vault"}
    call = make_call(
        "ZapierAction", settings(), {"instructions": "i"}, ports=ports,
        variables=variables, secret_variables=frozenset({"token"}),
    )  # fmt: skip
    call.inputs.update(variables)
    await find("ZapierAction").run(call)
    assert server.asked[0].json == {"instructions": "i", "city": "Rome"}


async def test_files_become_links(make_call: Callable[..., Any], server: ZapierServer, ports: Ports) -> None:
    call = make_call("ZapierAction", settings(), {"instructions": "i"}, ports=ports)
    file = await keep(File(b"Hello", "text/plain", "a.txt"), call.run)
    call.inputs.update(one=file, many=[file, "text"])
    await find("ZapierAction").run(call)
    link = "data:text/plain;base64,SGVsbG8="
    assert server.asked[0].json == {"instructions": "i", "one": link, "many": [link, "text"]}


async def test_a_file_of_another_team_is_refused(outputs_of: OutputsOf, server: ZapierServer, ports: Ports) -> None:
    file = {"mimetype": "text/plain", "size": 5, "url": "smythfs://others.team/agt/_temp/a.txt", "name": "a.txt"}
    with pytest.raises(ComponentError, match="Access Denied"):
        await outputs_of("ZapierAction", settings(), {"instructions": "i", "file": file}, ports=ports)
    assert server.asked == []


async def test_an_error_inside_the_answer_is_the_answer(outputs_of: OutputsOf, ports: Ports) -> None:
    found = await outputs_of("ZapierAction", settings(), {"instructions": "fail"}, ports=ports)
    assert found["Output"]["error"] == "Gmail is not connected."


@pytest.mark.parametrize("key", ["{{KEY(none)}}", "{{key}}", " "])
async def test_a_missing_key_is_told(outputs_of: OutputsOf, server: ZapierServer, ports: Ports, key: str) -> None:
    with pytest.raises(ComponentError, match="You are not authorized to run the Zapier Action!"):
        await outputs_of("ZapierAction", settings(apiKey=key), {"instructions": "i", "key": ""}, ports=ports)
    assert server.asked == []


async def test_a_wrong_key_is_told_and_not_repeated(outputs_of: OutputsOf, server: ZapierServer) -> None:
    ports = ports_of({"zapier": "wrong secret"}, zapier=server.url)
    with pytest.raises(ComponentError, match=r"^Zapier Error: Invalid token \*\*\*$"):
        await outputs_of("ZapierAction", settings(), {"instructions": "i"}, ports=ports)


async def test_an_unknown_action_is_told(outputs_of: OutputsOf, server: ZapierServer, ports: Ports) -> None:
    with pytest.raises(ComponentError, match=r"^Zapier Error: Not found\.$"):
        await outputs_of("ZapierAction", settings(actionId="../x?y"), {"instructions": "i"}, ports=ports)
    assert server.asked[0].path == "/api/v1/exposed/../x?y/execute/"


@pytest.mark.parametrize("inputs", [{}, {"instructions": ""}, {"instructions": None}])
async def test_instructions_are_needed(outputs_of: OutputsOf, ports: Ports, inputs: dict[str, Any]) -> None:
    with pytest.raises(ComponentError, match="Give a plain english description"):
        await outputs_of("ZapierAction", settings(), inputs, ports=ports)


async def test_an_action_id_of_blanks_is_told(outputs_of: OutputsOf, ports: Ports) -> None:
    with pytest.raises(ComponentError, match="Zapier Action ID is required!"):
        await outputs_of("ZapierAction", settings(actionId=" "), {"instructions": "i"}, ports=ports)


@pytest.mark.parametrize(
    "wrong", [{"actionId": ""}, {"actionName": "n" * 101}, {"apiKey": "k" * 351}, {"params": "[]"}, {"params": "no"}]
)
def test_wrong_settings_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        find("ZapierAction").Settings.model_validate(settings(**wrong))
