"""A crowd of streams on one laptop."""

from __future__ import annotations

import asyncio

from tests.bench import streams
from tests.e2e.laptop import Dev


def test_two_hundred_streams_at_once_complete_in_modest_memory(dev: Dev) -> None:
    seen = asyncio.run(streams.many(dev))
    assert seen.completed == streams.STREAMS
    assert seen.peak_mb < streams.MOST_MB
