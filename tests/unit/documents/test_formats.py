"""What is read of each format: text, pages and headings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from smyth.connectors.documents.child import answer
from smyth.connectors.documents.limits import ParseLimits
from tests.unit.documents import files


def read(content: bytes, name: str, content_type: str | None = None) -> list[tuple[str, int | None, str]]:
    said = answer(content, name, content_type, ParseLimits())
    assert "refused" not in said, said
    return said["parts"]


def refusal(content: bytes, name: str, content_type: str | None = None, **limits: Any) -> tuple[str, str]:
    said = answer(content, name, content_type, ParseLimits(**limits))
    return said["refused"], said["message"]


def test_a_pdf_tells_its_pages() -> None:
    parts = read(files.pdf("The first page.", "", "The last page."), "a.pdf")
    assert parts == [("The first page.", 1, ""), ("The last page.", 3, "")]


def test_a_word_file_tells_its_headings_and_rows() -> None:
    content = files.word(("Title", "Guide"), ("Heading 1", "Setup"), ("Normal", "Install it."), ("Heading 1", "Prices"))
    assert read(content, "a.docx") == [
        ("Install it.", None, "Guide > Setup"),
        ("Plan; Price", None, "Guide > Prices"),
        ("Plan: Pro; Price: 9", None, "Guide > Prices"),
    ]


def test_a_workbook_tells_each_value_with_its_column() -> None:
    rows: list[list[object]] = [["name", "since", "seats"], ["Ann", datetime(2025, 1, 2), 3.0], [None, None, None]]
    content = files.workbook({"Users": rows, "Other": [["just one"]]})
    assert read(content, "a.xlsx") == [
        ("name; since; seats", 1, "Users"),
        ("name: Ann; since: 2025-01-02; seats: 3", 1, "Users"),
        ("just one", 2, "Other"),
    ]


def test_slides_come_in_the_order_of_the_talk_with_their_notes() -> None:
    content = files.slides(("First", "one"), ("Second", "two"), notes="Breathe.")
    assert read(content, "a.pptx") == [
        ("one", 1, "First"),
        ("Breathe.", 1, "First"),
        ("two", 2, "Second"),
        ("Breathe.", 2, "Second"),
    ]


def test_a_page_of_the_web_tells_what_readers_see() -> None:
    page = b"""<html><head><title>no</title><style>no</style></head><body><nav>no</nav><h1>Shop</h1>
      <p>We sell <b>ap</b>ples<br>and pears.</p>tail<h2>Prices</h2><table><tr><td>Apple<td>1 $</tr></table>
      <pre>a\n  b</pre><script>no()</script>
      <div hidden>no <p hidden>no</p></div><p>Call<i hidden>no</i> us</p></body></html>"""
    assert read(page, "page", "text/html; charset=utf-8") == [
        ("We sell apples\nand pears.", None, "Shop"),
        ("tail", None, "Shop"),
        ("Apple; 1 $", None, "Shop > Prices"),
        ("a\n  b", None, "Shop > Prices"),
        ("Call us", None, "Shop > Prices"),
    ]


def test_markdown_keeps_code_whole_and_follows_both_kinds_of_headings() -> None:
    page = b"---\ntitle: x\n---\nTop\n===\nintro\n\n## Code ##\n```py\n# no heading\n\nx = 1\n```\nNext\n---\nend\n"
    assert read(page, "a.md") == [
        ("intro", None, "Top"),
        ("```py\n# no heading\n\nx = 1\n```", None, "Top > Code"),
        ("end", None, "Top > Next"),
    ]


@pytest.mark.parametrize(
    "content", [b"a;b\r\n1;x\r\n", b"a\tb\n1\tx\n", b'"a","b"\n"1","x"\n', b"\xef\xbb\xbfa,b\n1,x\n"]
)
def test_rows_are_parted_by_whatever_parts_them(content: bytes) -> None:
    assert read(content, "a.csv") == [("a; b", None, ""), ("a: 1; b: x", None, "")]


@pytest.mark.parametrize(
    "content", ["Grüße\r\n\r\nzwei".encode(), "Grüße\n\nzwei".encode("utf-16"), "Grüße\n\n\n zwei".encode("cp1252")]
)
def test_plain_text_is_read_in_the_encodings_that_people_save(content: bytes) -> None:
    assert [text for text, _, _ in read(content, "a.txt")] == ["Grüße", "zwei"]


def test_content_decides_between_formats_of_office() -> None:
    assert read(files.workbook({"S": [["x"]]}), "wrong.docx") == [("x", 1, "S")]


def test_halves_of_characters_and_nuls_do_not_come_through() -> None:
    page = b"<p>a&#xD800;b</p><p>c</p>"
    assert "\ud800" not in "".join(text for text, _, _ in read(page, "a.html"))


@pytest.mark.parametrize(
    ("content", "name", "code", "advice"),
    [
        (b"MZ\0\0\x03program", "a.exe", "unsupported", "PDF, DOCX, XLSX, PPTX"),
        (b"just text", "a.pdf", "damaged", "as it was saved"),
        (b"%PDF-1.7 nothing else", "a.pdf", "damaged", "Save it anew"),
        (b"PK\x03\x04 nothing else", "a.docx", "damaged", "as it was saved"),
        (files.archive({"readme.txt": "x"}), "a.zip", "unsupported", "no document"),
        (files.archive({"word/document.xml": "<w/>"}), "a.docx", "damaged", "Save it anew"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, "a.doc", "unsupported", "before 2007"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            "encrypted",
            "password",
        ),
        (files.pdf("secret", password="p"), "a.pdf", "encrypted", "password"),
        (files.pdf("", ""), "scan.pdf", "empty", "OCR"),
        (b" \n \n", "a.txt", "empty", "no text"),
    ],
    ids=["program", "no-pdf", "torn-pdf", "torn-zip", "zip", "broken", "old", "locked", "locked-pdf", "scan", "blank"],
)
def test_what_cannot_be_read_is_refused_with_advice(content: bytes, name: str, code: str, advice: str) -> None:
    found, message = refusal(content, name)
    assert found == code
    assert advice in message


def test_what_is_too_much_is_refused_before_it_is_read() -> None:
    many = files.pdf("a", "b", "c")
    assert refusal(many, "a.pdf", pages=2) == ("too_large", "The PDF has 3 pages; at most 2 are read. Split it.")
    sheets = files.workbook({str(number): [["x"]] for number in range(3)})
    assert refusal(sheets, "a.xlsx", pages=2)[0] == "too_large"
    assert refusal(files.slides(("a", "b"), ("c", "d")), "a.pptx", pages=1)[0] == "too_large"
    assert refusal(b"word " * 100, "a.txt", characters=99)[0] == "too_large"


def test_a_pdf_that_lies_about_its_pages_is_counted() -> None:
    content = files.pdf("a", "b", "c")
    assert refusal(content.replace(b"/Count 3", b"/Count 1"), "a.pdf", pages=2)[0] == "too_large"
    assert refusal(content.replace(b"/Count 3", b"/Count 100000"), "a.pdf")[1].startswith("The PDF has 100,000 pages")
