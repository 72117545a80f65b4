"""A namespace has the vectors of one embedding model."""

from __future__ import annotations

import pytest

from smyth.connectors.embeddings.namespaces import OneModel, OtherModel
from smyth.connectors.vectors.memory import MemoryVectors
from smyth.connectors.vectors.port import VectorItem


class Remembered(dict[tuple[str, str], str]):
    """What is remembered, in memory; asking is counted."""

    asked = 0

    def get(self, tenant_id: str, namespace: str) -> str | None:
        self.asked += 1
        return super().get((tenant_id, namespace))

    def put(self, tenant_id: str, namespace: str, model: str) -> None:
        self[tenant_id, namespace] = model


@pytest.fixture
def vectors() -> MemoryVectors:
    store = MemoryVectors()
    store.upsert("ten-a", "notes", [VectorItem("1", (1.0, 0.0))])
    return store


def test_the_error_names_both_models_and_what_to_do(vectors: MemoryVectors) -> None:
    kept = Remembered()
    OneModel(kept, vectors, "OpenAI/small").check_write("ten-a", "notes")
    now = OneModel(kept, vectors, "embedded/all-minilm-l6-v2")
    for check in (now.check_write, now.check_search):
        with pytest.raises(
            OtherModel, match=r'with the embedding model "OpenAI/small".* "embedded/all-minilm-l6-v2"'
        ) as e:
            check("ten-a", "notes")
        assert "Delete the namespace" in str(e.value)


def test_other_tenants_and_namespaces_are_others(vectors: MemoryVectors) -> None:
    kept = Remembered()
    OneModel(kept, vectors, "one").check_write("ten-a", "notes")
    other = OneModel(kept, vectors, "other")
    other.check_write("ten-b", "notes")
    other.check_write("ten-a", "more")


def test_a_namespace_that_was_deleted_begins_anew(vectors: MemoryVectors) -> None:
    kept = Remembered()
    OneModel(kept, vectors, "one").check_write("ten-a", "notes")
    vectors.delete("ten-a", "notes")
    OneModel(kept, vectors, "other").check_write("ten-a", "notes")
    assert kept["ten-a", "notes"] == "other"


def test_a_warm_function_asks_once(vectors: MemoryVectors) -> None:
    kept = Remembered()
    model = OneModel(kept, vectors, "one")
    model.check_search("ten-a", "notes")
    model.check_write("ten-a", "notes")
    asked = kept.asked
    model.check_search("ten-a", "notes")
    model.check_write("ten-a", "notes")
    assert kept.asked == asked
