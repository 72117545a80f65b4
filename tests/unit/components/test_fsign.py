"""FSign."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from smyth.components.base import ComponentError
from smyth.components.fsign import _query_string
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.values.encodings import UnknownEncoding

Outputs = Callable[..., Any]
RSA = {"signMethod": "RSA", "hashType": "sha256"}


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem(key: Any, format: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    none = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, format, none).decode())


def signed(key: str, data: str, algorithm: str = "md5") -> str:
    return hmac.new(key.encode(), data.encode(), algorithm).hexdigest()


async def test_an_hmac_of_text(outputs_of: Outputs) -> None:
    settings = {"key": "k3y", "hashType": "SHA256"}
    assert await outputs_of("FSign", settings, {"Data": "message ☃"}) == {
        "Signature": signed("k3y", "message ☃", "sha256")
    }


@pytest.mark.parametrize("encoding", [None, ""])
async def test_without_an_encoding_it_is_hexadecimal(outputs_of: Outputs, encoding: str | None) -> None:
    outputs = await outputs_of("FSign", {"key": "", "encoding": encoding}, {"Data": "m"})
    assert outputs == {"Signature": signed("", "m")}


@pytest.mark.parametrize(
    ("transform", "data", "text"),
    [
        ("Stringify", {"a": [1, "ü"]}, '{"a":[1,"ü"]}'),
        ("Stringify", None, "null"),
        ("Stringify", 1.0, "1"),
        (
            "Querystring",
            {"a": 1, "b": ["x y", True], "c": None, "d": {}, "e": "ü&"},
            "a=1&b=x%20y&b=true&c=&d=&e=%C3%BC%26",
        ),
        ("Querystring", 5, ""),
        ("Whatever", "text", "text"),
    ],
)
async def test_data_becomes_text(outputs_of: Outputs, transform: str, data: Any, text: str) -> None:
    outputs = await outputs_of("FSign", {"key": "k", "dataTransform": transform}, {"Data": data})
    assert outputs == {"Signature": signed("k", text)}


def test_a_query_string_keeps_what_nodes_keeps() -> None:
    assert _query_string({"!'()*-._~": "~", "n": float("inf"), "é": [1, [2]]}) == "!'()*-._~=~&n=&%C3%A9=1&%C3%A9="


async def test_the_key_comes_from_input_template_or_vault(outputs_of: Outputs) -> None:
    ports = Ports(vault=MemoryVault({"default": {"s": "s3cr3t {{k}}"}}))

    async def by(key: str, **inputs: Any) -> str:
        return str((await outputs_of("FSign", {"key": key}, {"Data": "m", **inputs}, ports=ports))["Signature"])

    assert await by("setting", Key="input") == signed("input", "m")
    assert await by("setting", Key="") == signed("setting", "m")
    assert await by("pre-{{k}}", k="K") == signed("pre-K", "m")
    assert await by("{{nokey}}") == signed("{{nokey}}", "m")
    # What comes out of the vault is not looked into, nor is the vault opened for what callers write.
    assert await by("a{{KEY( s )}}-{{k}}", k="K") == signed("as3cr3t {{k}}-K", "m")
    assert await by("{{k}}", k="{{KEY(s)}}") == signed("{{KEY(s)}}", "m")
    assert await by("x", Key="{{KEY(s)}}") == signed("{{KEY(s)}}", "m")


async def test_a_secret_that_is_not_there_is_an_error(outputs_of: Outputs) -> None:
    with pytest.raises(ComponentError, match='The vault has no entry "NOPE"'):
        await outputs_of("FSign", {"key": "{{KEY(NOPE)}}"}, {"Data": "m"})


@pytest.mark.parametrize(
    ("settings", "inputs", "told"),
    [
        ({}, {"Data": "m"}, 'The "key" argument'),
        ({"key": "k"}, {"Data": "m", "Key": 5}, r"Received type number \(5\)"),
        ({"key": "k"}, {"Data": 5}, 'The "data" argument'),
        ({"key": "k", "dataTransform": "Stringify"}, {}, 'The "data" argument'),
        ({"key": "k", "signMethod": "ECDSA"}, {"Data": "m"}, 'Signing method not supported: "ECDSA"'),
        ({"key": "k", "hashType": "crc32"}, {"Data": "m"}, "Invalid digest: crc32"),
        ({"key": "k", "hashType": "shake_128"}, {"Data": "m"}, "Invalid digest"),
        ({**RSA, "key": "not a key"}, {"Data": "m"}, "no private key in PEM"),
        ({**RSA, "key": "k", "hashType": "crc32"}, {"Data": "m"}, "Invalid digest: RSA-crc32"),
    ],
)
async def test_what_cannot_be_signed_is_an_error(
    outputs_of: Outputs, settings: dict[str, Any], inputs: dict[str, Any], told: str
) -> None:
    with pytest.raises(ComponentError, match=told):
        await outputs_of("FSign", settings, inputs)


async def test_an_unknown_encoding_is_an_error(outputs_of: Outputs) -> None:
    with pytest.raises(UnknownEncoding):
        await outputs_of("FSign", {"key": "k", "encoding": "zz"}, {"Data": "m"})


async def test_utf8_loses_the_bytes_that_are_none(outputs_of: Outputs) -> None:
    raw = hmac.new(b"k3y", "message ☃".encode(), hashlib.md5).digest()
    outputs = await outputs_of("FSign", {"key": "k3y", "encoding": "utf8"}, {"Data": "message ☃"})
    assert outputs == {"Signature": raw.decode(errors="replace")}


@pytest.mark.parametrize("hash_type", ["md5", "sha1", "sha256", "sha512", "RSA-SHA256"])
async def test_an_rsa_signature_holds(outputs_of: Outputs, private_key: rsa.RSAPrivateKey, hash_type: str) -> None:
    traditional = pem(private_key, serialization.PrivateFormat.TraditionalOpenSSL)
    outputs = await outputs_of("FSign", {**RSA, "hashType": hash_type}, {"Data": "m", "Key": traditional})
    algorithm = getattr(hashes, hash_type.upper().removeprefix("RSA-"))()
    private_key.public_key().verify(bytes.fromhex(outputs["Signature"]), b"m", padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize(
    ("salt", "length"),
    [
        ("RSA_PSS_SALTLEN_DIGEST", 32),
        (-1, 32),
        ("20", 20),
        (0, 0),
        ("", padding.PSS.MAX_LENGTH),
        (None, padding.PSS.MAX_LENGTH),
        ("RSA_PSS_SALTLEN_MAX_SIGN", padding.PSS.MAX_LENGTH),
    ],
)
async def test_a_pss_signature_holds(
    outputs_of: Outputs, private_key: rsa.RSAPrivateKey, salt: Any, length: Any
) -> None:
    settings = {**RSA, "key": pem(private_key), "RSA_padding": "RSA_PKCS1_PSS_PADDING", "RSA_saltLength": salt}
    outputs = await outputs_of("FSign", settings, {"Data": "m"})
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), length)
    private_key.public_key().verify(bytes.fromhex(outputs["Signature"]), b"m", pss, hashes.SHA256())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"RSA_padding": "RSA_NO_PADDING"}, "Padding not supported"),
        ({"RSA_padding": "RSA_PKCS1_PSS_PADDING", "RSA_saltLength": "a lot"}, "Salt length not supported"),
        ({"RSA_padding": "RSA_PKCS1_PSS_PADDING", "RSA_saltLength": 9_999}, "Use a longer key or a shorter salt"),
    ],
)
async def test_rsa_settings_that_make_no_sense_are_errors(
    outputs_of: Outputs, private_key: rsa.RSAPrivateKey, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ComponentError, match=told):
        await outputs_of("FSign", {**RSA, "key": pem(private_key), **settings}, {"Data": "m"})


async def test_a_key_of_another_kind_is_refused_without_being_quoted(outputs_of: Outputs) -> None:
    other = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ComponentError, match="not of RSA") as failed:
        await outputs_of("FSign", {**RSA, "key": other}, {"Data": "m"})
    assert other.splitlines()[1] not in str(failed.value)
