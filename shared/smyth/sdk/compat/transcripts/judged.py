"""Which differences from the recordings are meant: oddities of the original that are judged better not matched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """An oddity that is done right here, and what its transcripts then show that is not compared."""

    #: Number in PROTOCOL section 6.
    oddity: int
    #: Pattern of the places that differ.
    places: str
    transcripts: frozenset[str]


JUDGED: tuple[Judgement, ...] = ()


def unjudged(name: str, lines: Iterable[str]) -> list[str]:
    """Return the differences of the transcript ``name`` that nobody meant."""
    judged = [judgement.places for judgement in JUDGED if name in judgement.transcripts]
    return [line for line in lines if not any(re.match(places, line) for places in judged)]
