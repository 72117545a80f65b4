"""Exact search over packed vectors: every score is computed, so nothing near is ever missed.

A namespace is a row of segments, oldest first. A segment never changes; writing
adds one, and an item in a newer segment hides the older one with the same id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from smyth.connectors.vectors.port import DimensionMismatch, Hit, VectorItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.bool_]

_ALIGNMENT = 16
#: The size of the header stands before it, in this many bytes.
_PREFIX = 4


class Segment:
    """Items written together: vectors side by side, and each item's text and metadata as JSON."""

    def __init__(self, ids: Sequence[str], vectors: NDArray[np.float32], payloads: Sequence[bytes]) -> None:
        self.ids = ids
        self.vectors = vectors
        self.payloads = payloads
        self._facets: dict[str, dict[str, list[int]]] = {}

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return int(self.vectors.shape[1])

    @property
    def size(self) -> int:
        """About how much the segment takes, packed or in memory."""
        return int(self.vectors.nbytes) + sum(len(payload) for payload in self.payloads)

    @classmethod
    def of(cls, items: Sequence[VectorItem]) -> Segment:
        """Pack ``items``, which must not be empty.

        Raises:
            DimensionMismatch: The vectors differ in length.
            ValueError: A vector has no direction.
        """
        last = {item.id: item for item in items}
        lengths = {len(item.vector) for item in last.values()}
        if len(lengths) != 1:
            raise DimensionMismatch(
                f"The vectors have different lengths ({', '.join(map(str, sorted(lengths)))}). "
                "Make all of them with the same embedding model."
            )
        payloads = [_json({"text": item.text, "metadata": item.metadata}) for item in last.values()]
        return cls(list(last), unit([item.vector for item in last.values()]), payloads)

    def without(self, ids: Collection[str]) -> Segment:
        """Return a copy that lacks some items."""
        return self.keeping([row for row, item_id in enumerate(self.ids) if item_id not in ids])

    def matching(self, filter: dict[str, Any]) -> Rows:
        """Mark the rows whose metadata has every member of ``filter``."""
        import numpy as np

        rows = np.ones(len(self.ids), dtype=np.bool_)
        for field, wanted in filter.items():
            rows &= self.rows_where(field, wanted)
        return rows

    def keeping(self, rows: Sequence[int] | NDArray[np.intp]) -> Segment:
        """Return a copy with only ``rows``."""
        return Segment([self.ids[row] for row in rows], self.vectors[rows], [self.payloads[row] for row in rows])

    def pack(self) -> bytes:
        """Return the segment as bytes: header, vectors, payloads."""
        header = _json(
            {
                "ids": self.ids,
                "dimensions": self.dimensions,
                "sizes": [len(payload) for payload in self.payloads],
            }
        )
        header += b" " * (-(_PREFIX + len(header)) % _ALIGNMENT)
        return b"".join([len(header).to_bytes(_PREFIX, "little"), header, self.vectors.tobytes(), *self.payloads])

    @classmethod
    def unpack(cls, data: bytes) -> Segment:
        """Read what :meth:`pack` wrote; the vectors stay where they are in ``data``."""
        import numpy as np

        start = _PREFIX + int.from_bytes(data[:_PREFIX], "little")
        header = json.loads(data[_PREFIX:start])
        shape = (len(header["ids"]), header["dimensions"])
        vectors = np.frombuffer(data, dtype="<f4", count=shape[0] * shape[1], offset=start).reshape(shape)
        bounds = accumulate(header["sizes"], initial=start + vectors.nbytes)
        payloads = [data[begin:end] for begin, end in pairwise(bounds)]
        return cls(header["ids"], vectors, payloads)

    def rows_where(self, field: str, wanted: Any) -> Rows:
        """Mark the rows whose metadata member ``field`` is ``wanted`` (or one of ``{"$in": wanted}``)."""
        import numpy as np

        if field not in self._facets:
            self._facets[field] = self._facet(field)
        values = wanted["$in"] if isinstance(wanted, dict) and wanted.keys() == {"$in"} else [wanted]
        rows = np.zeros(len(self.ids), dtype=np.bool_)
        for value in values:
            rows[self._facets[field].get(_comparable(value), [])] = True
        return rows

    def _facet(self, field: str) -> dict[str, list[int]]:
        """Return the rows of each value of one metadata member; made once, since a segment never changes."""
        facet: dict[str, list[int]] = {}
        for row, payload in enumerate(self.payloads):
            metadata = json.loads(payload)["metadata"]
            if field in metadata:
                facet.setdefault(_comparable(metadata[field]), []).append(row)
        return facet


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
        """
        import numpy as np

        if not self.segments:
            return []
        check_dimensions(len(vector), self.segments[0].dimensions)
        query = unit([vector])[0]
        found: list[tuple[NDArray[np.float32], NDArray[np.intp], Segment]] = []
        for segment, live in zip(self.segments, self._live, strict=True):
            rows = live & segment.matching(filter or {})
            picked = np.flatnonzero(rows)
            # Copying few rows is cheaper than multiplying all; copying most of them is not.
            few = picked.size * 2 < rows.size
            scores = segment.vectors[picked] @ query if few else (segment.vectors @ query)[picked]
            found.append((scores, picked, segment))
        threshold = _kth_best(np.concatenate([scores for scores, _, _ in found]), top_k)
        near = [
            (float(scores[at]), segment, int(picked[at]))
            for scores, picked, segment in found
            for at in np.flatnonzero(scores >= threshold)
        ]
        near.sort(key=lambda hit: (-hit[0], hit[1].ids[hit[2]]))
        return [_hit(score, segment, row) for score, segment, row in near[:top_k]]

    def ids_where(self, filter: dict[str, Any]) -> set[str]:
        """Return the ids of the items whose metadata has every member of ``filter``."""
        import numpy as np

        return {
            segment.ids[int(row)]
            for segment, live in zip(self.segments, self._live, strict=True)
            for row in np.flatnonzero(live & segment.matching(filter))
        }

    def merged(self) -> Segment:
        """Return one segment with all items that still count."""
        import numpy as np

        parts = [segment.keeping(np.flatnonzero(live)) for segment, live in zip(self.segments, self._live, strict=True)]
        return Segment(
            [item_id for part in parts for item_id in part.ids],
            np.concatenate([part.vectors for part in parts]),
            [payload for part in parts for payload in part.payloads],
        )


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


def unit(vectors: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Return the vectors at length one, where a dot product is the cosine.

    Raises:
        ValueError: A vector is zero or not finite.
    """
    import numpy as np

    matrix = np.asarray(vectors, dtype=np.float64)
    # Scaled first, so that squares of very large or small members neither overflow nor vanish.
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    if not (np.isfinite(largest).all() and largest.all()):
        raise ValueError(
            "A vector is all zeros or holds a value that is no number. Send the vector that the model made."
        )
    matrix = matrix / largest
    packed: NDArray[np.float32] = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype("<f4")
    return packed


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
    # A score is the product of 32-bit numbers; digits past the sixth are noise.
    score = round(min(1.0, max(-1.0, score)), 6)
    return Hit(id=segment.ids[row], score=score, text=payload["text"], metadata=payload["metadata"])


def _comparable(value: Any) -> str:
    """Return a text that is the same for equal JSON values; 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
