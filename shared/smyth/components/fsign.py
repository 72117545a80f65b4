"""FSign: the signature of a text."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field

from smyth.components._filling import filled
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import UNDEFINED, received, to_json, to_text
from smyth.values.encodings import decode, encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^()]+)\)\}\}")
_RSA_HASHES = {
    "md5": "MD5", "sha1": "SHA1", "sha224": "SHA224", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512",
}  # fmt: skip


class Settings(BaseSettings):
    """Settings of FSign. Nothing is refused beforehand; what makes no sense is an error of the run."""

    sign_method: str = Field("HMAC", alias="signMethod", description="HMAC or RSA.")
    data_transform: str = Field(
        "None",
        alias="dataTransform",
        description="How data that is no text becomes one: Stringify (JSON), Querystring, or None, which refuses it.",
    )
    key: str | None = Field(
        None, description="Secret, or private key in PEM; {{KEY(name)}} reads it from the vault. The input Key wins."
    )
    hash_type: str = Field("md5", alias="hashType", description="md5, sha1, sha256 or sha512.")
    rsa_padding: str | None = Field(
        None, alias="RSA_padding", description="RSA_PKCS1_PADDING (default) or RSA_PKCS1_PSS_PADDING."
    )
    rsa_salt_length: str | int | None = Field(
        None,
        alias="RSA_saltLength",
        description="For PSS: a number of bytes, RSA_PSS_SALTLEN_DIGEST, or RSA_PSS_SALTLEN_MAX_SIGN (default).",
    )
    encoding: str | None = Field(
        "hex", description="How the signature is written: hex, base64, base64url, latin1 or utf8, which loses bytes."
    )


class FSign(Component):
    """Signs ``Data`` (COMPONENTS section 4)."""

    name = "FSign"
    title = "Sign"
    summary = "HMAC or RSA signature of data."
    Settings = Settings
    inputs = (
        Port("Data", "Any", "What is signed."),
        Port("Key", "Text", "Takes the place of the key in the settings.", optional=True),
    )
    outputs = (Port("Signature", "Text", "The signature."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Sign."""
        settings: Settings = call.settings
        data = decode(_text(call.inputs.get("Data", UNDEFINED), settings.data_transform), "utf8")
        key = await _key(call)
        match settings.sign_method.upper():
            case "HMAC":
                signature = hmac.digest(decode(key, "utf8"), data, _known_hash(settings.hash_type))
            case "RSA":
                # Takes milliseconds with usual keys, and up to a second with the longest.
                signature = await asyncio.to_thread(_rsa_signature, key, data, settings)
            case other:
                raise ComponentError(f'Signing method not supported: "{other}". Use HMAC or RSA.')
        return {"Signature": encode(signature, settings.encoding or "hex")}


def _text(data: Any, transform: str) -> str:
    if isinstance(data, str):
        return data
    if data is not UNDEFINED and transform == "Stringify":
        return to_json(data)
    if transform == "Querystring":
        return _query_string(data)
    raise ComponentError(
        'The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. '
        f"{received(data)}. Set how data becomes text: Stringify or Querystring."
    )


def _query_string(data: Any) -> str:
    """Return an object as a form's text, as Node's ``querystring.stringify`` does; nested objects are empty."""
    if not isinstance(data, dict):
        return ""
    pairs = [(name, item) for name, value in data.items() for item in (value if isinstance(value, list) else [value])]
    return "&".join(f"{_escaped(name)}={_escaped(_simple(value))}" for name, value in pairs)


def _simple(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return to_text(value)


def _escaped(text: str) -> str:
    return quote(decode(text, "utf8"), safe="!'()*-._~")


async def _key(call: Call) -> str:
    """Return the key: the input's, else the one in the settings with inputs and secrets filled in.

    Secrets are read only where the author's own text names them (compat README, quirk 29).
    """
    given = call.inputs.get("Key") or call.settings.key
    if given is None:
        raise ComponentError(
            'The "key" argument must be of type string. Received undefined. Set the key, or connect the input Key.'
        )
    if not isinstance(given, str):
        raise ComponentError(f'The "key" argument must be of type string. {received(given)}.')
    if call.inputs.get("Key"):
        return given
    parts: list[str] = []
    end = 0
    for found in _VAULT_REFERENCE.finditer(given):
        parts += (filled(given[end : found.start()], call), await _secret(call, found[1].strip()))
        end = found.end()
    return "".join([*parts, filled(given[end:], call)])


async def _secret(call: Call, name: str) -> str:
    secret = await call.run.ports.vault.get(call.run.team_id, name)
    if secret is None:
        raise ComponentError(f'The vault has no entry "{name}". Add it, or name another one in the key.')
    return secret


def _known_hash(name: str) -> str:
    """Return a digest's name as ``hashlib`` knows it.

    Raises:
        ComponentError: It does not.
    """
    plain = name.lower().removeprefix("rsa-")
    # Those without a length of their own cannot make an HMAC.
    if plain not in hashlib.algorithms_available or plain.startswith("shake"):
        raise ComponentError(f"Invalid digest: {name}. Use md5, sha1, sha256 or sha512.")
    return plain


def _rsa_signature(key: str, data: bytes, settings: Settings) -> bytes:
    from cryptography.hazmat.primitives import hashes

    name = settings.hash_type.lower().removeprefix("rsa-")
    if name not in _RSA_HASHES:
        raise ComponentError(f"Invalid digest: RSA-{settings.hash_type}. Use md5, sha1, sha256 or sha512.")
    algorithm: HashAlgorithm = getattr(hashes, _RSA_HASHES[name])()
    private_key = _private_key(key)
    try:
        return private_key.sign(data, _padding(settings, algorithm), algorithm)
    except ValueError as error:
        raise ComponentError(f"The data cannot be signed so: {error}. Use a longer key or a shorter salt.") from None


def _private_key(pem: str) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(decode(pem, "utf8"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What the library says may quote the key.
        raise ComponentError(
            "The key is no private key in PEM that can be read. It begins with -----BEGIN PRIVATE KEY----- or "
            "-----BEGIN RSA PRIVATE KEY----- and has no passphrase."
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise ComponentError("The key is a private key, but not of RSA. Give an RSA key.")
    return key


def _padding(settings: Settings, algorithm: HashAlgorithm) -> PSS | PKCS1v15:
    from cryptography.hazmat.primitives.asymmetric import padding

    match settings.rsa_padding or "RSA_PKCS1_PADDING":
        case "RSA_PKCS1_PADDING":
            return padding.PKCS1v15()
        case "RSA_PKCS1_PSS_PADDING":
            salt: Any = _salt_length(settings.rsa_salt_length)
            return padding.PSS(padding.MGF1(algorithm), algorithm.digest_size if salt is None else salt)
        case other:
            raise ComponentError(f'Padding not supported: "{other}". Use RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING.')


def _salt_length(given: str | int | None) -> Any:
    """Return the salt's length in bytes, the library's mark for the longest, or None for the digest's."""
    from cryptography.hazmat.primitives.asymmetric.padding import PSS

    text = str(given if given is not None else "").strip()
    if text in ("RSA_PSS_SALTLEN_DIGEST", "-1"):
        return None
    if text in ("", "RSA_PSS_SALTLEN_MAX_SIGN", "RSA_PSS_SALTLEN_AUTO", "-2"):
        return PSS.MAX_LENGTH
    if text.isdecimal() and text.isascii() and len(text) <= 4:
        return int(text)
    raise ComponentError(
        f'Salt length not supported: "{text[:40]}". '
        "Use a number of bytes, RSA_PSS_SALTLEN_DIGEST or RSA_PSS_SALTLEN_MAX_SIGN."
    )
