"""Search over segments: small ones are read whole, of large ones the nearest lists.

A namespace is a row of segments, oldest first. A segment never changes; writing
adds one, and an item in a newer segment hides the older one with the same id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smyth.connectors.vectors.filters import EVERYTHING, Condition, parse
from smyth.connectors.vectors.port import DimensionMismatch, Hit, Unsupported
from smyth.connectors.vectors.segments import Segment, unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from smyth.connectors.vectors.segments import Rows

    Scores = NDArray[np.float32]
    Places = NDArray[np.intp]

#: Of a large segment, lists are read until they hold this part of its rows that may be hits, and at least so many.
_READ_PART, _READ_LEAST = 0.04, 2_048
#: Fewer rows than this that a filter leaves are all compared: that is quick and misses none.
_FEW_ROWS = 2_048
#: So many rows are multiplied at once.
_PART = 1024


class Index:
    """What a search sees: the segments of a namespace, and which of their rows still count."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        self._live = _live_rows(self.segments)

    def __len__(self) -> int:
        return sum(int(rows.sum()) for rows in self._live)

    def search(self, vector: Sequence[float], top_k: int, filter: dict[str, Any] | None = None) -> list[Hit]:
        """Return the ``top_k`` nearest items, best first; equal scores in the order of their ids.

        Raises:
            DimensionMismatch: The vector does not fit.
            ValueError: The filter is not known.
        """
        import numpy as np

        condition = parse(filter)
        if not self.segments:
            return []
        check_dimensions(len(vector), self.segments[0].dimensions)
        query = unit([vector])[0]
        found: list[tuple[Scores, Places, Segment]] = []
        for segment, live in zip(self.segments, self._live, strict=True):
            rows = live if condition == EVERYTHING else live & segment.meeting(condition)
            found.append((*_compared(segment, rows, query), segment))
        threshold = _kth_best(np.concatenate([scores for scores, _, _ in found]), top_k)
        near = [
            (float(scores[at]), segment, int(picked[at]))
            for scores, picked, segment in found
            for at in np.flatnonzero(scores >= threshold)
        ]
        near.sort(key=lambda hit: (-hit[0], hit[1].ids[hit[2]]))
        return [_hit(score, segment, row) for score, segment, row in near[:top_k]]

    def ids(self) -> set[str]:
        """Return the ids of all items."""
        return {item_id for segment in self.segments for item_id in segment.ids}

    def ids_where(self, filter: dict[str, Any]) -> set[str]:
        """Return the ids of the items whose metadata meets ``filter``.

        Raises:
            ValueError: The filter is not known.
        """
        import numpy as np

        condition: Condition = parse(filter)
        return {
            segment.ids[int(row)]
            for segment, live in zip(self.segments, self._live, strict=True)
            for row in np.flatnonzero(live & segment.meeting(condition))
        }

    def merged(self) -> Segment:
        """Return one segment with all items that still count."""
        import numpy as np

        parts = [
            segment.rows(np.flatnonzero(live).tolist()) for segment, live in zip(self.segments, self._live, strict=True)
        ]
        ids = [item_id for part_ids, _, _ in parts for item_id in part_ids]
        vectors = np.concatenate([part_vectors for _, part_vectors, _ in parts])
        return Segment.arranged(ids, vectors, [payload for _, _, payloads in parts for payload in payloads])


def tail_to_merge(sizes: Sequence[int], most: int) -> int:
    """Tell how many of the newest segments to merge so that few remain and each item is rewritten seldom.

    The tail grows while the next older segment is not larger than all of it, so an
    item moves only when what it lies in doubles. Nothing is merged while there are
    no more than ``most``.
    """
    if len(sizes) <= most:
        return 0
    count, total = 2, sum(sizes[-2:])
    for size in reversed(sizes[:-2]):
        if size > total:
            break
        count, total = count + 1, total + size
    return count


def check_dimensions(given: int, expected: int) -> None:
    """Refuse a vector of another length than the namespace's.

    Raises:
        DimensionMismatch: The lengths differ.
    """
    if given != expected:
        raise DimensionMismatch(
            f"The vector has {given} dimensions, the namespace's vectors have {expected}. "
            "Use the embedding model that filled the namespace, or another namespace."
        )


def no_words(text: str | None) -> None:
    """Refuse a search by words.

    Raises:
        Unsupported: There are words.
    """
    if text is not None:
        raise Unsupported("This vector store searches by vectors alone. Leave out 'hybrid', or filter by metadata.")


def _compared(segment: Segment, rows: Rows, query: Scores) -> tuple[Scores, Places]:
    """Return the scores of the rows that may be hits, and where they stand: all, or those of the nearest lists."""
    import numpy as np

    # Copying few rows is cheaper than multiplying all; copying more of them is not.
    if np.count_nonzero(rows) <= min(_FEW_ROWS, len(rows) // 8):
        places = np.flatnonzero(rows)
        return segment.vectors[places] @ query, places
    read = _near_parts(segment, rows, query)
    scores = np.concatenate([segment.vectors[begin:end] @ query for begin, end in read])
    if segment.centres is None:
        places = np.flatnonzero(rows)
        return scores[places], places
    places = np.concatenate([np.arange(begin, end) for begin, end in read])
    wanted = rows[places]
    return scores[wanted], places[wanted]


def _near_parts(segment: Segment, rows: Rows, query: Scores) -> list[tuple[int, int]]:
    """Return which parts of a segment to read: all, or the nearest lists until they hold enough of ``rows``."""
    import numpy as np

    if segment.centres is None:
        # In parts: the library would put threads to work on the whole, which wait for each other where CPUs are few.
        return [(begin, min(begin + _PART, len(rows))) for begin in range(0, len(rows), _PART)]
    counts = np.diff(np.concatenate([[0], np.cumsum(rows)])[np.asarray(segment.starts)])
    nearest = np.argsort(-(segment.centres @ query))
    wanted = max(_READ_LEAST, int(_READ_PART * len(rows)))
    enough = int(np.searchsorted(np.cumsum(counts[nearest]), wanted)) + 1
    return [(segment.starts[one], segment.starts[one + 1]) for one in np.sort(nearest[:enough]).tolist()]


def _live_rows(segments: Sequence[Segment]) -> list[Rows]:
    """Mark in each segment the rows that no newer segment hides."""
    import numpy as np

    hidden: set[str] = set()
    live: list[Rows] = []
    for segment in reversed(segments):
        live.append(np.fromiter((item_id not in hidden for item_id in segment.ids), np.bool_, len(segment.ids)))
        hidden.update(segment.ids)
    return live[::-1]


def _kth_best(scores: NDArray[np.float32], k: int) -> float:
    """Return the score that the ``k`` best reach."""
    import numpy as np

    if scores.size <= k:
        return float("-inf")
    return float(np.partition(scores, scores.size - k)[scores.size - k])


def _hit(score: float, segment: Segment, row: int) -> Hit:
    payload = json.loads(segment.payloads[row])
    # A score is the product of 32-bit numbers, in large segments of rounded ones; digits past the sixth are noise.
    score = round(min(1.0, max(-1.0, score)), 6)
    return Hit(id=segment.ids[row], score=score, text=payload["text"], metadata=payload["metadata"])
