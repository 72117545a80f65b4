from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.embeddings.gateway import EmbeddingGateway, read_embedding_model
from smyth.connectors.knowledge.knowledge import Knowledge, KnowledgeError
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import ModelServer

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

INDEX = {"namespace": "docs", "id": "{{id}}", "name": "About {{id}}", "metadata": '{"of": "{{id}}"}'}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def ports(server: ModelServer) -> Ports:
    entry = read_embedding_model(json.dumps({"provider": "OpenAI", "model": "m", "base_url": server.base_url}))
    assert entry is not None
    return Ports(knowledge=Knowledge(embeddings=EmbeddingGateway(entry, MemoryVault(), environment={})))


@pytest.fixture
async def filled(outputs_of: Any, ports: Ports) -> Ports:
    for source_id, text in (("a", "apple apple apple apple pear"), ("b", "pear pear pear pear apple"), ("c", "plum")):
        outputs = await outputs_of("DataSourceIndexer", INDEX, {"Source": text, "id": source_id}, ports=ports)
        assert outputs == {"Success": {"result": True, "id": source_id}}
    return ports


async def test_finds_the_nearest_first(outputs_of: Any, filled: Ports) -> None:
    look = {"namespace": "docs", "topK": "2"}
    outputs = await outputs_of("DataSourceLookup", look, {"Query": "apple"}, ports=filled)
    assert outputs == {"Results": ["apple apple apple apple pear", "pear pear pear pear apple"]}


async def test_gives_metadata_and_score_where_wanted(outputs_of: Any, filled: Ports) -> None:
    look = {"namespace": "docs", "topK": 1, "includeMetadata": True, "includeScore": True}
    (result,) = (await outputs_of("DataSourceLookup", look, {"Query": "plum"}, ports=filled))["Results"]
    assert (result["content"], result["metadata"]) == ("plum", {"of": "c"})
    assert result["score"] == pytest.approx(1, abs=0.01)
    only_score = look | {"includeMetadata": False}
    (result,) = (await outputs_of("DataSourceLookup", only_score, {"Query": "plum"}, ports=filled))["Results"]
    assert result.keys() == {"content", "score"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"topK": 5, "scoreThreshold": 0.9}, ["apple apple apple apple pear"]),
        ({"topK": 5, "scoreThreshold": ""}, ["apple apple apple apple pear", "pear pear pear pear apple"]),
        ({"topK": 5, "scoreThreshold": 0}, ["apple apple apple apple pear", "pear pear pear pear apple", "plum"]),
        ({"topK": 0}, []),
    ],
)
async def test_leaves_out_what_is_too_far(outputs_of: Any, filled: Ports, data: Any, expected: list[str]) -> None:
    outputs = await outputs_of("DataSourceLookup", {"namespace": "docs"} | data, {"Query": "apple"}, ports=filled)
    assert outputs == {"Results": expected}


async def test_indexing_again_replaces_and_cleaning_forgets(outputs_of: Any, filled: Ports) -> None:
    await outputs_of("DataSourceIndexer", INDEX, {"Source": "apple new", "id": "a"}, ports=filled)
    look = ("DataSourceLookup", {"namespace": "docs", "topK": 9}, {"Query": "apple"})
    assert "apple apple apple apple pear" not in (await outputs_of(*look, ports=filled))["Results"]
    clean = ("DataSourceCleaner", {"namespaceId": "docs", "id": "{{id}}"}, {"id": "a"})
    assert await outputs_of(*clean, ports=filled) == {"Success": True}
    assert await outputs_of(*clean, ports=filled) == {"Success": True}
    assert (await outputs_of(*look, ports=filled))["Results"] == ["pear pear pear pear apple"]


async def test_metadata_that_is_no_object_stays_text(outputs_of: Any, ports: Ports) -> None:
    for metadata in ("meta of {{id}}", "[1, 2]", ""):
        await outputs_of("DataSourceIndexer", INDEX | {"metadata": metadata}, {"Source": "x", "id": "a"}, ports=ports)
        look = {"namespace": "docs", "includeMetadata": True}
        (result,) = (await outputs_of("DataSourceLookup", look, {"Query": "x"}, ports=ports))["Results"]
        assert result["metadata"] == metadata.replace("{{id}}", "a")


async def test_every_request_to_the_model_is_metered(make_call: Any, ports: Ports) -> None:
    for name, data, inputs in (
        ("DataSourceIndexer", INDEX, {"Source": "x", "id": "a"}),
        ("DataSourceLookup", {"namespace": "docs"}, {"Query": "x"}),
    ):
        call = make_call(name, data, inputs, ports=ports)
        await find(name).run(call)
        assert [used.input_tokens for used in call.run.usage] == [1]


async def test_addresses_are_not_fetched(outputs_of: Any, ports: Ports) -> None:
    with pytest.raises(ComponentError, match=r"^URLs are not supported yet$"):
        await outputs_of("DataSourceIndexer", INDEX, {"Source": " https://a.example/x ", "id": "a"}, ports=ports)


@pytest.mark.parametrize("source", [None, "", "  "])
async def test_there_must_be_a_text(outputs_of: Any, ports: Ports, source: Any) -> None:
    with pytest.raises((ComponentError, KnowledgeError), match="no text to remember"):
        await outputs_of("DataSourceIndexer", INDEX, {"Source": source, "id": "a"}, ports=ports)


async def test_objects_are_stored_as_their_json(outputs_of: Any, ports: Ports) -> None:
    await outputs_of("DataSourceIndexer", INDEX, {"Source": {"k": "v"}, "id": "a"}, ports=ports)
    outputs = await outputs_of("DataSourceLookup", {"namespace": "docs"}, {"Query": "k v"}, ports=ports)
    assert outputs == {"Results": ['{"k":"v"}']}


async def test_an_id_that_an_input_left_open_is_refused(outputs_of: Any, ports: Ports) -> None:
    with pytest.raises(KnowledgeError, match=r"\{\{id\}\}.* invalid characters"):
        await outputs_of("DataSourceIndexer", INDEX, {"Source": "x"}, ports=ports)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("DataSourceIndexer", {"namespace": "docs"}),
        ("DataSourceIndexer", {"namespace": "docs", "id": ""}),
        ("DataSourceLookup", {"topK": -1}),
        ("DataSourceLookup", {"topK": "many"}),
        ("DataSourceLookup", {"scoreThreshold": 2}),
        ("DataSourceCleaner", {"namespaceId": "docs"}),
    ],
)
def test_settings_have_limits(name: str, data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find(name).Settings.model_validate(data)
