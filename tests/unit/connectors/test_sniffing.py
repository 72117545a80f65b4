"""What content may call itself."""

from __future__ import annotations

import pytest

from smyth.connectors.storage.sniffing import unlike

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(20)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(20)
ZIP = b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(300)
EXE = b"MZ\x90\x00" + bytes(300)
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(40)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("image/png", PNG),
        ("IMAGE/PNG; charset=binary", PNG),
        ("image/jpg", JPEG),
        ("application/pdf", PDF),
        ("application/zip", ZIP),
        (DOCX, ZIP),
        ("application/epub+zip", ZIP),
        ("video/quicktime", MP4),
        ("audio/mp4", MP4),
        ("text/plain", b"Hello"),
        ("text/html; charset=utf-8", HTML),
        ("text/plain", "Grüße".encode("utf-16")),
        ("text/plain", b"caf\xe9"),
        ("text/csv", "ä,ö\n".encode()),
        ("application/json", b'{"a": 1}'),
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("application/ld+json", b"{}"),
        ("application/octet-stream", EXE),
        ("application/octet-stream", HTML),
        ("application/x-thing", b"\x00\xff binary"),
        ("application/x-thing", EXE),
        ("model/gltf-binary", b"glTF\x02\x00\x00\x00"),
        ("audio/mpeg", b"\xff\xfa\x90\x64" + bytes(20)),
        ("image/png", b""),
        ("application/pdf", b""),
    ],
)
def test_what_may_be_true_is_believed(declared: str, content: bytes) -> None:
    assert unlike(declared, content) is None


@pytest.mark.parametrize(
    ("declared", "content", "found"),
    [
        ("image/png", JPEG, "image/jpeg"),
        ("image/png", HTML, "text/plain"),
        ("image/png", EXE, "application/x-msdownload"),
        ("image/x-unheard-of", PDF, "application/pdf"),
        ("application/pdf", ZIP, "application/zip"),
        ("application/pdf", HTML, "text/plain"),
        ("application/zip", PDF, "application/pdf"),
        (DOCX, PDF, "application/pdf"),
        (DOCX, b"just words", "text/plain"),
        ("text/plain", EXE, "application/x-msdownload"),
        ("text/csv", ZIP, "application/zip"),
        ("application/json", PNG, "image/png"),
        ("text/plain", b"a\x00b", "application/octet-stream"),
        ("image/svg+xml", PNG, "image/png"),
        ("video/mp4", PNG, "image/png"),
        ("audio/mpeg", "Größe".encode()[:-2] + b"\xc3", "text/plain"),
    ],
)
def test_a_lie_is_told_by_what_it_is(declared: str, content: bytes, found: str) -> None:
    assert unlike(declared, content) == found
