from __future__ import annotations

import pytest

from smyth.components.base import ComponentError


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("hex", "48c3a96c6c6f2077c3b6726c643f207e2f2b20e29883"),
        ("base64", "SMOpbGxvIHfDtnJsZD8gfi8rIOKYgw=="),
        ("base64url", "SMOpbGxvIHfDtnJsZD8gfi8rIOKYgw"),
        ("latin1", "H\u00c3\u00a9llo w\u00c3\u00b6rld? ~/+ \u00e2\u0098\u0083"),
    ],
)
async def test_encodes_and_decodes_back(outputs_of, encoding, expected):
    text = "H\u00e9llo w\u00f6rld? ~/+ \u2603"
    encoded = await outputs_of("FEncDec", {"action": "Encode", "encoding": encoding}, {"Data": text})
    assert encoded == {"Output": expected}
    decoded = await outputs_of("FEncDec", {"action": "Decode", "encoding": encoding}, {"Data": expected})
    assert decoded == {"Output": text}


@pytest.mark.parametrize("data", [{}, {"encoding": ""}, {"action": "Decode"}])
async def test_leaves_text_alone_without_an_encoding(outputs_of, data):
    assert await outputs_of("FEncDec", data, {"Data": "caf\u00e9"}) == {"Output": "caf\u00e9"}


async def test_decodes_for_every_action_but_encode(outputs_of):
    assert await outputs_of("FEncDec", {"action": "encode", "encoding": "hex"}, {"Data": "6869"}) == {"Output": "hi"}
    assert await outputs_of("FEncDec", {"encoding": "hex"}, {"Data": "hi"}) == {"Output": "6869"}


async def test_takes_lists_as_bytes(outputs_of):
    assert await outputs_of("FEncDec", {"encoding": "hex"}, {"Data": [72, "x", 300]}) == {"Output": "48002c"}
    assert await outputs_of("FEncDec", {"action": "Decode", "encoding": "hex"}, {"Data": [72, 105]}) == {"Output": "Hi"}


@pytest.mark.parametrize("data", [5, True, None, {"a": 1}])
async def test_refuses_other_values(outputs_of, data):
    with pytest.raises(ComponentError, match="first argument must be of type string"):
        await outputs_of("FEncDec", {"encoding": "hex"}, {"Data": data})


async def test_names_an_unknown_encoding(outputs_of):
    with pytest.raises(ValueError, match="Unknown encoding: zz"):
        await outputs_of("FEncDec", {"encoding": "zz"}, {"Data": "a"})
