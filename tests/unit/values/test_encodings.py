from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.values.encodings import UnknownEncoding, bytes_of, decode, encode


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("SGVsbG8=IFdvcmxk", "base64", "48656c6c6f"), ("SGVsb", "base64", "48656c"), ("S", "base64", ""),
        ("SG Vs\nbG8", "base64", "48656c6c6f"), ("__-_", "base64", "ffffbf"), ("//+/", "base64url", "ffffbf"),
        ("====", "base64", ""), ("Q\u2603Q", "base64", "41"), ("abc", "hex", "ab"), ("abzz12", "hex", "ab"),
        ("AB Cd", "hex", "ab"), ("0x12", "hex", ""), ("a\u00e9", "latin1", "61e9"), ("\u2603", "binary", "03"),
        ("\U0001f600", "latin1", "3d00"), ("\u2603", "ascii", "03"), ("\u00e9", "ucs2", "e900"),
        ("\U0001f600", "utf-16le", "3dd800de"), ("\ud800x", "utf8", "efbfbd78"), ("\u00e9", "UTF-8", "c3a9"),
    ],
)  # fmt: skip
def test_decodes_as_node_does(text, encoding, expected):
    assert decode(text, encoding).hex() == expected


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        ("e94142", "ascii", "iAB"), ("e94142", "latin1", "\u00e9AB"), ("e94142", "ucs2", "\u41e9"),
        ("e94142", "utf8", "\ufffdAB"), ("ffffbf", "BASE64", "//+/"), ("ff", "base64url", "_w"), ("", "hex", ""),
    ],
)  # fmt: skip
def test_encodes_as_node_does(data, encoding, expected):
    assert encode(bytes.fromhex(data), encoding) == expected


@pytest.mark.parametrize(
    ("value", "byte"),
    [
        ("1.5", 1), (float("nan"), 0), (-1, 255), (300, 44), (" 7 ", 7), (True, 1), (None, 0), ([3], 3), (1e10, 0),
        (-1.9, 255), ("", 0), ("x", 0), ({}, 0), (10**400, 0),
    ],
)  # fmt: skip
def test_takes_numbers_for_bytes(value, byte):
    assert bytes_of([value]) == bytes([byte])


@pytest.mark.parametrize("name", ["zz", "", "utf16", "hex "])
def test_names_unknown_encodings(name):
    with pytest.raises(UnknownEncoding, match="Unknown encoding"):
        encode(b"", name)
    with pytest.raises(UnknownEncoding, match="Use one of"):
        decode("", name)


@given(st.binary(), st.sampled_from(["hex", "base64", "base64url", "latin1"]))
def test_bytes_come_back(data, encoding):
    assert decode(encode(data, encoding), encoding) == data


@given(st.text(), st.sampled_from(["utf8", "utf16le", "hex", "base64", "latin1", "ascii"]))
def test_any_text_decodes(text, encoding):
    decode(text, encoding)
