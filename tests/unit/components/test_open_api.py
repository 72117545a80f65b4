from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.port import ToolCall
from smyth.connectors.ports import Ports
from smyth.conversation import AskedTurns
from tests.peers.pet_shop import PetShop
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
FAILED = "Error on running Open API!\n"


@pytest.fixture
def shop() -> Iterator[PetShop]:
    with PetShop() as shop:
        yield shop


def world(*replies: Reply) -> Ports:
    ports = ports_of({})
    ports.models = scripted(*replies)
    ports.conversations = AskedTurns()
    return ports


def settings(shop: PetShop, path: str = "/openapi.json", **data: Any) -> dict[str, Any]:
    base = {"model": "scripted", "descForModel": "Sell pets to {{who}}.", "name": "Shop", "desc": ""}
    return base | {"specUrl": shop.url + path} | data


def calling(operation: str, **arguments: Any) -> Reply:
    return Reply(calls=(ToolCall("c1", operation, json.dumps(arguments)),))


def requests(ports: Ports) -> list[Any]:
    assert isinstance(ports.models, ScriptedModels)
    return ports.models.requests


def told(ports: Ports) -> Any:
    """What the last tool call came to."""
    return json.loads(requests(ports)[-1].messages[-1]["content"])


@pytest.mark.parametrize("name", ["OpenAPI", "GPTPlugin"])
async def test_the_model_answers_with_the_operations_as_tools(outputs_of: OutputsOf, shop: PetShop, name: str) -> None:
    ports = world(calling("getPet", petId="a/b", tags=["x", "y"], **{"X-Trace": "t1"}), Reply("A cat."))
    found = await outputs_of(name, settings(shop), {"Query": "Which pet?", "who": "Ann"}, ports=ports)
    assert found == {"Output": "A cat."}
    assert told(ports)["path"] == "/v2/pets/a/b"
    call = shop.asked[-1]
    assert call.headers["x-trace"] == "t1"
    assert requests(ports)[0].messages == [
        {"role": "system", "content": "Assistant Name : Pet Shop\n\nSell pets to Ann."},
        {"role": "user", "content": "Which pet?"},
    ]


async def test_tools_have_names_that_providers_take_and_schemas_without_references(
    outputs_of: OutputsOf, shop: PetShop
) -> None:
    ports = world(Reply("Hm."))
    await outputs_of("OpenAPI", settings(shop), {"Query": "x"}, ports=ports)
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in requests(ports)[0].tools}
    assert set(tools) == {"getPet", "add_pet", "put_pets"}
    assert tools["getPet"]["required"] == ["petId"]
    assert tools["getPet"]["properties"]["X-Trace"] == {"type": "string", "description": "For logs."}
    assert tools["add_pet"]["required"] == ["name"]
    assert "$ref" not in json.dumps(tools)


async def test_bodies_are_sent_as_json(outputs_of: OutputsOf, shop: PetShop) -> None:
    ports = world(
        calling("add_pet", name='Mi "nou"', invented=1), calling("put_pets", body=[1, {"a": None}]), Reply("Ok.")
    )
    await outputs_of("OpenAPI", settings(shop), {"Query": "x"}, ports=ports)
    added, put = shop.asked[-2:]
    assert added.json == {"name": 'Mi "nou"'}
    assert (put.method, put.json) == ("PUT", [1, {"a": None}])


async def test_a_refusal_is_told_to_the_model(outputs_of: OutputsOf, shop: PetShop) -> None:
    ports = world(calling("getPet", petId="none"), Reply("There is none."))
    await outputs_of("OpenAPI", settings(shop), {"Query": "x"}, ports=ports)
    assert told(ports) == {"error": "Request failed with status code 404", "response": {"message": "no such pet"}}


async def test_a_manifest_leads_to_its_document(outputs_of: OutputsOf, shop: PetShop) -> None:
    ports = world(calling("getPet", petId="1"), Reply("Ok."))
    data = settings(shop, "/.well-known/ai-plugin.json")
    await outputs_of("OpenAPI", data, {"Query": "x"}, ports=ports)
    assert told(ports)["path"] == "/v2/pets/1"


async def test_an_input_named_prompt_wins(outputs_of: OutputsOf, shop: PetShop) -> None:
    ports = world(Reply("Hm."))
    await outputs_of("OpenAPI", settings(shop), {"Query": "q", "Prompt": {"p": 1}}, ports=ports)
    assert requests(ports)[0].messages[-1]["content"] == '{"p":1}'


async def test_without_a_prompt_nothing_is_asked(outputs_of: OutputsOf, shop: PetShop) -> None:
    with pytest.raises(ComponentError, match=r"^Please provide a prompt$"):
        await outputs_of("OpenAPI", settings(shop), {"Query": ""}, ports=world())
    assert shop.asked == []


@pytest.mark.parametrize(
    ("path", "words"),
    [("/page", "no JSON object"), ("/swagger.json", "no OpenAPI 3 document"), ("/nothing", "status code 404")],
)
async def test_what_is_no_document_is_told(outputs_of: OutputsOf, shop: PetShop, path: str, words: str) -> None:
    with pytest.raises(ComponentError, match=f"^{FAILED}.*{words}"):
        await outputs_of("OpenAPI", settings(shop, path), {"Query": "x"}, ports=world())


async def test_private_addresses_are_refused(outputs_of: OutputsOf, shop: PetShop) -> None:
    ports = Ports(models=scripted(), conversations=AskedTurns())
    with pytest.raises(ComponentError, match="not a public address"):
        await outputs_of("OpenAPI", settings(shop), {"Query": "x"}, ports=ports)
    assert shop.asked == []


@pytest.mark.parametrize("change", [{"specUrl": ""}, {"specUrl": "file:///etc/passwd"}, {"name": None}])
def test_wrong_settings_are_refused(shop: PetShop, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("OpenAPI").Settings.model_validate(settings(shop) | change)
