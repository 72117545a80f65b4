"""Pieces of documents: parted by structure, then by tokens, and nothing of the text is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.documents.chunks import WINDOW, Chunk, chunks
from smyth.connectors.documents.document import ParsedDocument, Part
from smyth.connectors.documents.tokens import estimated_tokens
from smyth.connectors.embeddings import embedded


def document(*parts: Part) -> ParsedDocument:
    return ParsedDocument("text", parts)


def words(text: str) -> int:
    return len(text.split())


def test_small_paragraphs_of_one_place_stand_together() -> None:
    made = chunks(document(Part("one", 1, "A"), Part("two", 1, "A"), Part("three", 1, "B"), Part("four", 2, "B")))
    assert made == [Chunk("one\ntwo", 1, "A", 0), Chunk("three", 1, "B", 1), Chunk("four", 2, "B", 2)]


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    made = chunks(document(Part("a b c d"), Part("e f g h"), Part("i j")), tokens=8, overlap=0, count=words)
    assert [chunk.text for chunk in made] == ["a b c d", "e f g h\ni j"]


def test_long_paragraphs_are_parted_between_sentences_which_come_again() -> None:
    made = chunks(document(Part("A b c. D e. F g h. I j.")), tokens=8, overlap=2, count=words)
    assert [chunk.text for chunk in made] == ["A b c. D e.", "D e. F g h.", "I j."]


def test_what_has_no_place_to_part_is_parted_anywhere() -> None:
    made = chunks(document(Part("x" * 100)), tokens=12, overlap=0, count=len)
    assert "".join(chunk.text for chunk in made) == "x" * 100
    assert max(len(chunk.text) for chunk in made) <= 10


def test_headings_are_embedded_with_the_text() -> None:
    (chunk,) = chunks(document(Part("It costs 9.", 3, "Plans > Pro")))
    assert chunk.to_embed == "Plans > Pro\nIt costs 9."
    assert (chunk.text, chunk.page, chunk.section, chunk.number) == ("It costs 9.", 3, "Plans > Pro", 0)


@given(
    st.lists(st.text(st.sampled_from("ab .\n!漢é"), max_size=400), max_size=5), st.integers(8, 40), st.integers(0, 8)
)
def test_no_letter_is_lost_and_no_piece_too_long(texts: list[str], tokens: int, overlap: int) -> None:
    made = chunks(document(*map(Part, texts)), tokens=tokens, overlap=0)
    assert "".join("".join(chunk.text.split()) for chunk in made) == "".join("".join(text.split()) for text in texts)
    for chunk in chunks(document(*map(Part, texts)), tokens=tokens, overlap=overlap):
        assert estimated_tokens(chunk.text) <= tokens - 2


def test_pieces_fit_the_window_of_the_embedded_model() -> None:
    tokenizer, _ = embedded._loaded()
    tokenizer.no_truncation()
    try:
        texts = {
            "english": "Subscriptions renew automatically unless cancelled 24 hours before the period's end. " * 60,
            "german": "Die Kündigungsfrist für Geschäftskunden beträgt grundsätzlich dreißig Werktage. " * 60,
            "numbers": "2025-01-02 4711.08 EUR 0xdeadbeef 192.168.1.1 +49 30 1234567; " * 60,
            "chinese": "订阅会自动续订,除非在期限结束前取消。" * 80,
            "code": "def estimated_tokens(text: str) -> int: return sum(map(len, _WORD.findall(text)))\n" * 60,
        }
        for name, text in texts.items():
            counts = [
                len(tokenizer.encode(chunk.to_embed).ids) for chunk in chunks(document(Part(text, 1, "About it")))
            ]
            assert max(counts) <= WINDOW, (name, counts)
            assert max(counts) >= WINDOW // 3, (name, counts)
    finally:
        tokenizer.enable_truncation(embedded.WINDOW)
