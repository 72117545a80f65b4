from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from string import ascii_lowercase

import pytest
from moto import mock_aws

from smyth.aws.bucket import Bucket
from smyth.aws.vectors import BucketVectors
from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.knowledge.knowledge import MAX_CHUNKS, Knowledge, KnowledgeError, Source
from smyth.connectors.models.port import ModelError, Usage
from smyth.connectors.vectors.memory import MemoryVectors
from smyth.connectors.vectors.port import NamespaceFull
from tests.unit import aws_clients


def letters(text: str) -> list[float]:
    """How often each letter is there; a last member keeps texts without letters from having none."""
    return [*(float(text.lower().count(letter)) for letter in ascii_lowercase), 0.1]


class Letters:
    """Embeds by counting letters."""

    def __init__(self) -> None:
        self.fails = False

    async def embed(self, texts: Sequence[str], *, team_id: str) -> Embedded:
        if self.fails:
            raise ModelError("The model is busy.")
        vectors = tuple(tuple(letters(text)) if text.strip("0") else (0.0,) * 27 for text in texts)
        return Embedded(vectors, (Usage(f"letters of {team_id}", input_tokens=len(texts)),))


@pytest.fixture
def model() -> Letters:
    return Letters()


@pytest.fixture(params=["memory", "bucket"])
def knowledge(request: pytest.FixtureRequest, model: Letters) -> Iterator[Knowledge]:
    if request.param == "memory":
        yield Knowledge(embeddings=model)
        return
    with mock_aws():
        s3 = aws_clients.s3()
        s3.create_bucket(Bucket="knowledge-test")
        yield Knowledge(BucketVectors(Bucket("knowledge-test", s3)), model)


def ignored(usage: Iterable[Usage]) -> None:
    """Take what a test does not count."""


async def found(knowledge: Knowledge, question: str, *, team: str = "t1", namespace: str = "docs") -> list[str | None]:
    hits = await knowledge.find(team, namespace, question, top_k=10, use=ignored)
    return [hit.text for hit in hits]


async def test_what_is_nearest_comes_first_with_its_metadata(knowledge: Knowledge) -> None:
    used: list[Usage] = []
    await knowledge.remember("t1", "docs", Source("a", "aaab", "First", {"page": 1}), use=used.extend)
    await knowledge.remember("t1", "docs", Source("b", "bbba"), use=used.extend)
    hits = await knowledge.find("t1", "docs", "aa", top_k=1, use=used.extend)
    assert [(hit.text, hit.metadata["name"], hit.metadata["metadata"]) for hit in hits] == [
        ("aaab", "First", {"page": 1})
    ]
    assert hits[0].metadata["source"] == "t1::docs::a"
    assert [usage.model for usage in used] == ["letters of t1"] * 3


async def test_indexing_again_replaces_what_was_there(knowledge: Knowledge) -> None:
    await knowledge.remember("t1", "docs", Source("a", "\n\n".join(["old " * 100] * 3)), use=ignored)
    assert len(await found(knowledge, "old")) >= 3
    await knowledge.remember("t1", "docs", Source("a", "new"), use=ignored)
    assert await found(knowledge, "old") == ["new"]


async def test_a_failure_of_the_model_leaves_what_was_there(knowledge: Knowledge, model: Letters) -> None:
    await knowledge.remember("t1", "docs", Source("a", "old"), use=ignored)
    model.fails = True
    with pytest.raises(ModelError):
        await knowledge.remember("t1", "docs", Source("a", "new"), use=ignored)
    model.fails = False
    assert await found(knowledge, "old") == ["old"]


async def test_forgets_one_source_and_keeps_the_namespace(knowledge: Knowledge) -> None:
    await knowledge.remember("t1", "docs", Source("a", "aaa"), use=ignored)
    await knowledge.remember("t1", "docs", Source("b", "bbb"), use=ignored)
    await knowledge.forget("t1", "docs", "a")
    await knowledge.forget("t1", "docs", "a")
    assert await found(knowledge, "aaa") == ["bbb"]
    await knowledge.forget("t1", "docs", "b")
    assert await found(knowledge, "aaa") == []


async def test_a_namespace_exists_from_its_first_source_on(knowledge: Knowledge) -> None:
    for work in (knowledge.find("t1", "My Docs", "x", top_k=1, use=ignored), knowledge.forget("t1", "My Docs", "a")):
        with pytest.raises(KnowledgeError, match=r"^Namespace My Docs does not exist$"):
            await work
    await knowledge.remember("t1", "My Docs", Source("a", "aaa"), use=ignored)
    assert await found(knowledge, "aaa", namespace=" my_docs ") == ["aaa"]


async def test_teams_are_apart_and_a_tenant_owns_all_its_teams(model: Letters) -> None:
    shared = MemoryVectors()
    plain, mine, theirs = (
        Knowledge(shared, model),
        Knowledge(shared, model, tenant_id="ten-a"),
        Knowledge(shared, model, tenant_id="ten-b"),
    )
    await plain.remember("t1", "docs", Source("a", "team"), use=ignored)
    await mine.remember("t1", "docs", Source("a", "tenant"), use=ignored)
    assert await found(plain, "x") == ["team"]
    assert await found(mine, "x", team="t2") == ["tenant"]
    for stranger, team in ((plain, "t2"), (theirs, "t1")):
        with pytest.raises(KnowledgeError, match="does not exist"):
            await found(stranger, "x", team=team)


async def test_old_labels_lose_their_team_and_no_others_lose_anything(knowledge: Knowledge) -> None:
    await knowledge.remember("t1", "t1_docs", Source("a", "aaa"), use=ignored)
    assert await found(knowledge, "a") == ["aaa"]
    assert await found(knowledge, "a", namespace="cm0abcdefghijklmnopqrstuv_docs") == ["aaa"]
    await knowledge.remember("t1", "my_docs", Source("a", "bbb"), use=ignored)
    assert await found(knowledge, "a", namespace="my_docs") == ["bbb"]
    assert await found(knowledge, "a") == ["aaa"]


async def test_a_question_without_direction_finds_nothing(knowledge: Knowledge) -> None:
    await knowledge.remember("t1", "docs", Source("a", "aaa"), use=ignored)
    assert await found(knowledge, "000") == []


@pytest.mark.parametrize("source_id", ["", "a b", "a/b", "{{id}}", "a::b", "ü", "x" * 256])
async def test_ids_of_sources_have_few_characters(knowledge: Knowledge, source_id: str) -> None:
    with pytest.raises(KnowledgeError, match="invalid characters"):
        await knowledge.remember("t1", "docs", Source(source_id, "aaa"), use=ignored)


@pytest.mark.parametrize("namespace", ["", "../up", "a/b", "ü", ".hidden", "x" * 81])
async def test_namespaces_have_few_characters(knowledge: Knowledge, namespace: str) -> None:
    with pytest.raises(KnowledgeError, match="cannot be a namespace"):
        await knowledge.remember("t1", namespace, Source("a", "aaa"), use=ignored)


async def test_texts_are_neither_blank_nor_endless(knowledge: Knowledge) -> None:
    with pytest.raises(KnowledgeError, match="no text"):
        await knowledge.remember("t1", "docs", Source("a", " \n"), use=ignored)
    with pytest.raises(KnowledgeError, match="several sources"):
        await knowledge.remember("t1", "docs", Source("a", "x" * 520 * MAX_CHUNKS), use=ignored)


async def test_without_a_model_it_tells_what_to_set() -> None:
    with pytest.raises(KnowledgeError, match="SMYTH_EMBEDDING_MODEL"):
        await Knowledge().remember("t1", "docs", Source("a", "aaa"), use=ignored)


async def test_what_the_model_used_is_told_even_where_nothing_can_be_written(model: Letters) -> None:
    class Full(MemoryVectors):
        def replace(self, *_: object) -> int:
            raise NamespaceFull("The namespace is full.")

    used: list[Usage] = []
    with pytest.raises(NamespaceFull):
        await Knowledge(Full(), model).remember("t1", "docs", Source("a", "aaa"), use=used.extend)
    assert len(used) == 1
