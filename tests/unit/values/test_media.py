"""What bytes are."""

from __future__ import annotations

import pytest

from smyth.values.media import ending, media_type, signature


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\x00\x00\x00\x18ftypisom....", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ....", "audio/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        ("schöner Text".encode(), "text/plain"),
        (b"", "text/plain"),
        (b"a\x00b", "application/octet-stream"),
        (b"\xc3\x28", "application/octet-stream"),
    ],
)
def test_bytes_tell_their_type(content: bytes, expected: str) -> None:
    assert media_type(content) == expected


def test_text_has_no_signature() -> None:
    assert signature(b"hello") is None


@pytest.mark.parametrize(
    ("mimetype", "expected"),
    [
        ("text/plain", ".txt"),
        ("text/csv", ".csv"),
        ("image/png", ".png"),
        ("image/jpeg", ".jpg"),
        ("application/json", ".json"),
        ("text/html; charset=utf-8", ".html"),
        ("audio/mp4", ".m4a"),
        ("application/x-nobody-knows", ".bin"),
        ("", ".bin"),
    ],
)
def test_a_type_has_an_ending(mimetype: str, expected: str) -> None:
    assert ending(mimetype) == expected
