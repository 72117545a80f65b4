"""Unpack an answer as it comes, and stop where it becomes too large."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from smyth.connectors.http.port import HttpError

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


async def unpacked(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> AsyncIterator[bytes]:
    """Yield ``chunks`` without their ``content-encoding``; never more than ``limit`` bytes exist of them.

    Raises:
        HttpError: There is more, or it is packed in another way than asked for, or broken.
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise HttpError(f'The answer is packed as "{encoding[:40]}", which was not asked for. Ask another address.')
    left = limit
    packed = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
    async for chunk in chunks:
        if packed is None:
            left = _counted(chunk, left, limit)
            yield chunk
            continue
        while chunk:
            try:
                piece = packed.decompress(chunk, left + 1)
            except zlib.error:
                raise HttpError("The answer is packed and cannot be unpacked. Try again.") from None
            left = _counted(piece, left, limit)
            yield piece
            chunk = packed.unconsumed_tail
            if packed.eof:
                # A packed answer may have several parts; what follows the last is padding.
                chunk = packed.unused_data if packed.unused_data.startswith(_MAGIC) else b""
                packed = zlib.decompressobj(_GZIP) if chunk else packed


def _counted(piece: bytes, left: int, limit: int) -> int:
    if len(piece) > left:
        raise HttpError(f"The answer is larger than {limit:,} bytes. Ask for less, or for a part of it.")
    return left - len(piece)
