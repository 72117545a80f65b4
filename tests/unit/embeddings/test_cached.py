"""Vectors of known texts are not made again, and those of changed ones are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from smyth.connectors.embeddings.cached import CachedEmbeddings
from smyth.connectors.embeddings.port import Embedded
from smyth.connectors.models.port import ModelError, Usage


class Counting:
    """A model that notes what it was asked."""

    def __init__(self, name: str = "m") -> None:
        self.names = (name, f"p/{name}")
        self.asked: list[list[str]] = []
        self.fails_at = -1

    def view(self, allowance: object) -> Counting:
        return self

    async def embed(self, texts: Sequence[str], *, team_id: str, dimensions: int | None = None) -> Embedded:
        if len(self.asked) == self.fails_at:
            raise ModelError("It failed. Try again.")
        self.asked.append(list(texts))
        vectors = tuple((float(len(text)), float(sum(text.encode()))) for text in texts)
        return Embedded(vectors, (Usage(self.names[0], input_tokens=len(texts)),))

    @property
    def count(self) -> int:
        return sum(map(len, self.asked))


class Kept(dict[str, bytes]):
    """Groups in memory."""

    def put(self, name: str, content: bytes) -> None:
        self[name] = content


TEXTS = [f"This is text number {number}." for number in range(300)]


async def embed(model: Counting, kept: Kept, texts: Sequence[str], dimensions: int | None = None) -> Embedded:
    return await CachedEmbeddings(model, kept).embed(texts, team_id="ten-a", dimensions=dimensions)


async def test_the_second_time_nobody_is_asked() -> None:
    model, kept = Counting(), Kept()
    first = await embed(model, kept, TEXTS)
    second = await embed(model, kept, TEXTS)
    assert model.count == len(TEXTS)
    assert first.vectors == second.vectors == (await Counting().embed(TEXTS, team_id="")).vectors
    assert (sum(used.input_tokens for used in first.usage), second.usage) == (300, ())


@pytest.mark.parametrize(
    "changed",
    [["new", *TEXTS], [*TEXTS[:150], *TEXTS[151:]], [*TEXTS[:150], "other", *TEXTS[151:]], [*TEXTS, "new"]],
    ids=["came", "went", "changed", "appended"],
)
async def test_one_change_costs_one_group(changed: list[str]) -> None:
    model, kept = Counting(), Kept()
    await embed(model, kept, TEXTS)
    before = model.count
    made = await embed(model, kept, changed)
    assert model.count - before <= 2 * 64
    assert made.vectors == (await Counting().embed(changed, team_id="")).vectors


async def test_models_and_dimensions_are_kept_apart() -> None:
    one, other, kept = Counting("one"), Counting("other"), Kept()
    await embed(one, kept, TEXTS[:5])
    await embed(one, kept, TEXTS[:5], dimensions=2)
    await embed(other, kept, TEXTS[:5])
    assert (one.count, other.count) == (10, 5)


async def test_texts_are_not_confused_where_their_borders_move() -> None:
    model, kept = Counting(), Kept()
    await embed(model, kept, ["ab", "c"])
    made = await embed(model, kept, ["a", "bc"])
    assert [vector[0] for vector in made.vectors] == [1.0, 2.0]


async def test_questions_are_not_kept() -> None:
    model, kept = Counting(), Kept()
    await embed(model, kept, ["one question"])
    assert not kept


@pytest.mark.parametrize("damage", [b"", b"x", b"\x05\0\0\0\x02\0\0\0short"])
async def test_what_is_kept_damaged_is_made_again(damage: bytes) -> None:
    model, kept = Counting(), Kept()
    first = await embed(model, kept, TEXTS[:5])
    for name in kept:
        kept[name] = damage
    assert (await embed(model, kept, TEXTS[:5])).vectors == first.vectors
    assert model.count == 10


async def test_what_was_made_before_a_failure_is_not_paid_again() -> None:
    model, kept = Counting(), Kept()
    model.fails_at = 2
    with pytest.raises(ModelError):
        await embed(model, kept, TEXTS)
    model.fails_at = -1
    await embed(model, kept, TEXTS)
    assert model.count == len(TEXTS)
