from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.components.base import ComponentError
from smyth.components.fhash import digest


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("md5", "334ad6ca2851eecb4cb96760f57ee47f"),
        ("sha1", "8946fd9d9c83857b4458d0677be84016a18a4ccc"),
        ("sha3-224", "5925d29b58451939b6596c10f3336a98c2dfb4cf4e8dbefa81d4b640"),
        ("shake128", "e46a6a7a77a9018bfda7738c74e3b1d8"),
        ("shake256", "19d8c6cd63ed70c8d25a8e614dd84e4cecca4c34649a03e019c047ddd7dbe820"),
        ("blake2s256", "c05f818fb2c3fefab4137389e036d43d0542524599c1613e3e389df966cf0f60"),
    ],
)
async def test_hashes_as_node_does(outputs_of, algorithm, expected):
    text = "The quick brown fox \u2014 \u2603"
    assert await outputs_of("FHash", {"algorithm": algorithm, "encoding": "hex"}, {"Data": text}) == {"Hash": expected}


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("base64", "DMF1ucDxtqgxw5niaXcmYQ=="),
        ("base64url", "DMF1ucDxtqgxw5niaXcmYQ"),
        ("latin1", "\x0c\xc1u\xb9\xc0\xf1\xb6\xa81\xc3\x99\xe2iw&a"),
        ("utf8", "\f\ufffdu\ufffd\ufffd\ufffd1\u00d9\ufffdiw&a"),
        ("", "0cc175b9c0f1b6a831c399e269772661"),
    ],
)
async def test_writes_the_digest_in_the_encoding_asked_for(outputs_of, encoding, expected):
    outputs = await outputs_of("FHash", {"algorithm": "md5", "encoding": encoding}, {"Data": "a"})
    assert outputs == {"Hash": expected}


@pytest.mark.parametrize("algorithm", ["SHA256", "RSA-SHA256", "sha-256"])
def test_knows_nodes_other_names(algorithm):
    assert digest(algorithm, b"a") == hashlib.sha256(b"a").digest()


@pytest.mark.parametrize("algorithm", ["", "nope", "../md5", "shake128x", "md5\x00"])
async def test_refuses_unknown_algorithms(outputs_of, algorithm):
    with pytest.raises(ComponentError, match="Digest method not supported"):
        await outputs_of("FHash", {"algorithm": algorithm}, {"Data": "a"})


async def test_refuses_unknown_encodings(outputs_of):
    with pytest.raises(ValueError, match="Unknown encoding: nope"):
        await outputs_of("FHash", {"encoding": "nope"}, {"Data": "a"})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (5, "type number (5)"),
        (True, "type boolean (true)"),
        (None, "null"),
        ({"a": 1}, "an instance of Object"),
        ([1], "an instance of Array"),
    ],
)
async def test_takes_text_only(outputs_of, data, kind):
    with pytest.raises(ComponentError, match="Received") as caught:
        await outputs_of("FHash", {}, {"Data": data})
    assert str(caught.value).endswith(f"Received {kind}")


async def test_tells_when_nothing_arrived(outputs_of):
    with pytest.raises(ComponentError, match="Received undefined"):
        await outputs_of("FHash", {}, {})


@given(st.text())
def test_every_text_has_a_digest(text):
    from smyth.values.encodings import decode

    assert len(digest("sha256", decode(text, "utf8"))) == 32
