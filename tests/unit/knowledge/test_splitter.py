from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smyth.connectors.knowledge.splitter import split


def test_a_short_text_is_one_piece() -> None:
    assert split("One line.\n\nAnother.") == ["One line.\n\nAnother."]
    assert split("  padded \n") == ["padded"]


@pytest.mark.parametrize("text", ["", " \n\n \t "])
def test_blank_texts_have_no_pieces(text: str) -> None:
    assert split(text) == []


def test_parts_between_paragraphs_before_lines_before_words() -> None:
    assert split("aaaa bbbb\n\ncccc dddd", size=12, overlap=0) == ["aaaa bbbb", "cccc dddd"]
    assert split("aaaa bbbb\ncccc dddd", size=12, overlap=0) == ["aaaa bbbb", "cccc dddd"]
    assert split("aaaa bbbb cccc", size=10, overlap=0) == ["aaaa bbbb", "cccc"]
    assert split("aaaabbbbcc", size=4, overlap=0) == ["aaaa", "bbbb", "cc"]


def test_only_what_is_too_long_is_parted_finer() -> None:
    assert split("short\n\nlong long long", size=10, overlap=0) == ["short", "long long", "long"]


def test_neighbours_share_the_words_at_their_border() -> None:
    assert split("a1 b2 c3 d4 e5", size=8, overlap=3) == ["a1 b2 c3", "c3 d4 e5"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab \n", max_size=400), st.integers(5, 40), st.integers(0, 4))
def test_pieces_fit_and_hold_every_word_in_order(text: str, size: int, overlap: int) -> None:
    pieces = split(text, size=size, overlap=overlap)
    assert all(0 < len(piece) <= size for piece in pieces)
    if overlap == 0:
        assert "".join("".join(pieces).split()) == "".join(text.split())


def test_long_texts_are_split_in_time() -> None:
    words = " ".join(f"word{number}" for number in range(50_000))
    pieces = split(words)
    assert pieces[0].startswith("word0 ")
    assert pieces[-1].endswith("word49999")
    assert len(split("x" * 400_000)) < 1_000
