"""FHash: the digest of a text."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field

from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import UNDEFINED, received
from smyth.values.encodings import decode, encode

#: Bytes of the digests that have no length of their own.
_LENGTHS = {"shake_128": 16, "shake_256": 32}


class Settings(BaseSettings):
    """Settings of FHash."""

    algorithm: str = Field("md5", description="Hash algorithm, such as md5, sha256, sha3-512 or blake2b512.")
    encoding: str = Field("hex", description="How the digest is written: hex, base64, base64url or latin1.")


class FHash(Component):
    """Gives the digest of ``Data`` (COMPONENTS section 4)."""

    name = "FHash"
    title = "Hash"
    summary = "Hash of a text."
    Settings = Settings
    inputs = (Port("Data", "Any", "The text to hash."),)
    outputs = (Port("Hash", "Text", "The digest."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Hash the UTF-8 bytes of ``Data``."""
        data = call.inputs.get("Data", UNDEFINED)
        if not isinstance(data, str):
            raise ComponentError(
                'The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. '
                + received(data)
            )
        return {"Hash": encode(digest(call.settings.algorithm, decode(data, "utf8")), call.settings.encoding or "hex")}


def digest(algorithm: str, data: bytes) -> bytes:
    """Return the digest of ``data`` by an algorithm that Node would know under that name.

    Raises:
        ComponentError: There is no such algorithm.
    """
    try:
        # Python and Node ask the same library, which knows all names but these.
        hashed: Any = hashlib.new(algorithm.lower().removeprefix("rsa-"), data, usedforsecurity=False)
        length = _LENGTHS.get(hashed.name)
        return bytes(hashed.digest(length) if length else hashed.digest())
    except (ValueError, TypeError):
        raise ComponentError(
            f'Digest method not supported: "{algorithm}". Use md5, sha1, sha256, sha512, sha3-256 or the like.'
        ) from None
