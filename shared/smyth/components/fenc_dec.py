"""FEncDec: text to and from hex, base64 and the like."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import UNDEFINED, received
from smyth.values.encodings import bytes_of, decode, encode


class Settings(BaseSettings):
    """Settings of FEncDec. The original checks neither, so any text is taken."""

    action: str | None = Field("Encode", description="Encode, or anything else to decode.")
    encoding: str | None = Field(
        None, description="hex, base64, base64url, latin1, ascii, utf16le or utf8; none leaves the text as it is."
    )


class FEncDec(Component):
    """Encodes text, or decodes it (compat README, quirk 51)."""

    name = "FEncDec"
    title = "Encode/Decode"
    summary = "Encode text to, or decode text from, a byte encoding."
    Settings = Settings
    inputs = (Port("Data", "Any", "The text, or a list of bytes."),)
    outputs = (Port("Output", "Text", "The converted text."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """Convert ``Data``."""
        data = call.inputs.get("Data", UNDEFINED)
        if not isinstance(data, (str, list)):
            raise ComponentError(
                "The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array "
                f"or an Array-like Object. {received(data)}"
            )
        encoding = call.settings.encoding or "utf8"
        encodes = (call.settings.action or "Encode") == "Encode"
        raw = bytes_of(data) if isinstance(data, list) else decode(data, "utf8" if encodes else encoding)
        return {"Output": encode(raw, encoding if encodes else "utf8")}
