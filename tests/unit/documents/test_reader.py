"""Documents that are made to do harm are refused, and the process that asked lives on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from smyth.connectors.documents.document import DocumentRefused
from smyth.connectors.documents.limits import MEGABYTE, ParseLimits
from smyth.connectors.documents.reader import parse
from tests.unit.documents import files, hostile

_WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'


def refused(content: bytes, name: str, limits: ParseLimits | None = None) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        parse(content, name, limits=limits or ParseLimits())
    return caught.value


def test_a_document_is_read_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    started: list[dict[str, str]] = []
    run = subprocess.run

    def watched(*arguments: object, **options: object) -> object:
        started.append(options["env"])
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    document = parse(files.pdf("Hello there."), "a.pdf")
    assert document.format == "pdf"
    assert [(part.text, part.page) for part in document.parts] == [("Hello there.", 1)]
    assert started
    assert "AWS_SECRET_ACCESS_KEY" not in started[0]


def test_a_zip_bomb_is_refused_by_what_it_unpacks_to() -> None:
    bomb = hostile.zip_bomb(20 * MEGABYTE)
    assert len(bomb) < MEGABYTE // 10
    error = refused(bomb, "a.docx", ParseLimits(unpacked_bytes=10 * MEGABYTE))
    assert error.code == "too_large"
    assert "unpacks to 20 MB; at most 10 MB" in str(error)


def test_an_archive_that_lies_about_its_size_is_refused() -> None:
    assert (
        refused(hostile.lying_zip_bomb(20 * MEGABYTE), "a.docx", ParseLimits(unpacked_bytes=10 * MEGABYTE)).code
        == "damaged"
    )


def test_an_archive_of_too_many_parts_is_refused() -> None:
    error = refused(hostile.many_entries(10_001), "a.xlsx")
    assert error.code == "too_large"
    assert "10,001 parts" in str(error)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("main", ["word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"])
def test_entities_are_never_expanded(main: str, encoding: str) -> None:
    error = refused(hostile.entities(main, encoding), "a")
    assert error.code == "damaged"
    assert "declares a document type" in str(error)


def test_a_page_that_unpacks_to_too_much_is_refused() -> None:
    bomb = hostile.pdf_of_one_page(b" " * (100 * MEGABYTE))
    assert len(bomb) < MEGABYTE // 5
    error = refused(bomb, "a.pdf")
    assert error.code == "too_large"
    assert "something that unpacks to too much" in str(error)


def test_what_takes_too_much_memory_is_refused() -> None:
    body = "<w:p/>" * 3_000_000
    content = files.archive(
        {
            "word/document.xml": f"{_WORD}{body}</w:body></w:document>",
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument" Target="word/document.xml"/></Relationships>',
        }
    )
    error = refused(content, "a.docx", ParseLimits(memory_bytes=256 * MEGABYTE))
    assert error.code in ("too_large", "damaged")


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<b>" * 300 + b"x<i>y</i>" * 60_000
    error = refused(page, "a.html", ParseLimits(seconds=1))
    assert error.code == "too_slow"
    assert "1 s" in str(error)


def test_a_large_file_is_refused_before_a_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    error = refused(b"x" * (2 * MEGABYTE), "a.txt", ParseLimits(content_bytes=MEGABYTE))
    assert str(error) == "The file has 2 MB; at most 1 MB are read. Split it."


def test_nothing_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(files.archive({"../../evil": "x", "/etc/evil": "x", "ppt/presentation.xml": "<x/>"}), "../../a.pptx")
    assert not [*tmp_path.iterdir(), *tmp_path.parent.glob("evil")]
