"""FHash: the digest of a text."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field

from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values.encodings import decode, encode

#: Node's names where Python's differ in more than dashes.
_NAMES = {
    "blake2b512": "blake2b",
    "blake2s256": "blake2s",
    "rmd160": "ripemd160",
    "shake128": "shake_128",
    "shake256": "shake_256",
}
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
        data = call.inputs.get("Data")
        if not isinstance(data, str):
            raise ComponentError("FHash takes text only. Set the type of its input Data to Text to hash other values.")
        return {"Hash": encode(digest(call.settings.algorithm, decode(data, "utf8")), call.settings.encoding or "hex")}


def digest(algorithm: str, data: bytes) -> bytes:
    """Return the digest of ``data`` by an algorithm that Node would know under that name.

    Raises:
        ComponentError: There is no such algorithm.
    """
    folded = algorithm.lower().removeprefix("rsa-").replace("/", "-")
    name = _NAMES.get(folded, folded.replace("-", "_"))
    try:
        hashed = hashlib.new(name, data, usedforsecurity=False)
        # Only the digests without a length of their own take one.
        return hashed.digest(_LENGTHS[name]) if name in _LENGTHS else hashed.digest()  # type: ignore[call-arg]
    except ValueError:
        raise ComponentError(
            f'Digest method not supported: "{algorithm}". Use md5, sha1, sha256, sha512, sha3-256 or the like.'
        ) from None
