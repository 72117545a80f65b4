"""Items written together, as they lie in memory and in a file.

A segment never changes. Small ones keep their vectors with 32 bits a member and are read whole. Large ones keep 16
where they are stored, which halves what is fetched, and their rows stand in the order of their inverted lists; in
memory all have 32, because few processors compute with 16.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from smyth.connectors.vectors.filters import Condition, Test, comparable, parse
from smyth.connectors.vectors.lists import LARGE, centres_of, nearest_centres
from smyth.connectors.vectors.port import DimensionMismatch, VectorItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.bool_]
    Vectors = NDArray[np.float32]

#: What a segment lies in.
Bytes = bytes | mmap.mmap | memoryview

_ALIGNMENT = 16
#: The size of the header stands before it, in this many bytes.
_PREFIX = 4
#: Rows that are brought to length one at a time.
_ROWS_AT_ONCE = 1_024


class Payloads:
    """Texts and metadata as JSON, one after the other in one buffer."""

    def __init__(self, data: Bytes, bounds: Sequence[int]) -> None:
        self._data = memoryview(data)
        self._bounds = bounds

    @classmethod
    def of(cls, payloads: Iterable[bytes]) -> Payloads:
        """Put payloads together."""
        parts = list(payloads)
        return cls(b"".join(parts), list(accumulate(map(len, parts), initial=0)))

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, row: int) -> bytes:
        return bytes(self._data[self._bounds[row] : self._bounds[row + 1]])

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return self._bounds[-1] - self._bounds[0]

    def sizes(self) -> list[int]:
        """How many bytes each of them has."""
        return [end - begin for begin, end in zip(self._bounds, self._bounds[1:], strict=False)]

    def whole(self) -> memoryview:
        """All of them, as they stand side by side."""
        return self._data[self._bounds[0] : self._bounds[-1]]


class Segment:
    """Vectors side by side, each item's text and metadata, and the inverted lists where there are many."""

    def __init__(
        self,
        ids: Sequence[str],
        vectors: Vectors,
        payloads: Payloads,
        centres: NDArray[np.float32] | None = None,
        starts: Sequence[int] = (),
    ) -> None:
        self.ids = ids
        self.vectors = vectors
        self.payloads = payloads
        #: One for each inverted list; None where there are no lists.
        self.centres = centres
        #: Where each list begins among the rows, and where the last one ends.
        self.starts = starts
        self._facets: dict[str, dict[str, NDArray[np.intp]]] = {}

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return int(self.vectors.shape[1])

    @property
    def size(self) -> int:
        """About how much the segment takes, packed or in memory."""
        return int(self.vectors.nbytes) + self.payloads.size

    @classmethod
    def of(cls, items: Sequence[VectorItem]) -> Segment:
        """Make a segment of ``items``, which must not be empty.

        Raises:
            DimensionMismatch: The vectors differ in length.
            ValueError: A vector has no direction.
        """
        last = latest(items)
        payloads = [_json({"text": item.text, "metadata": item.metadata}) for item in last]
        vectors = unit([item.vector for item in last])
        return cls.arranged([item.id for item in last], vectors, payloads)

    @classmethod
    def arranged(cls, ids: Sequence[str], vectors: Vectors, payloads: Sequence[bytes] | Payloads) -> Segment:
        """Make a segment; where there are many rows, they are put into lists."""
        import numpy as np

        if len(ids) < LARGE:
            return cls(ids, vectors.astype("<f4"), Payloads.of(payloads[row] for row in range(len(ids))))
        # As they will be when they were stored and read.
        vectors = vectors.astype("<f2").astype("<f4")
        centres = centres_of(vectors)
        near = nearest_centres(vectors, centres)
        order = np.argsort(near, kind="stable")
        starts = [0, *np.cumsum(np.bincount(near, minlength=len(centres))).tolist()]
        rows = order.tolist()
        return cls(
            [ids[row] for row in rows], vectors[order], Payloads.of(payloads[row] for row in rows), centres, starts
        )

    def without(self, ids: Collection[str]) -> Segment:
        """Return a copy that lacks some items."""
        kept = [row for row, item_id in enumerate(self.ids) if item_id not in ids]
        return Segment.arranged(*self.rows(kept))

    def rows(self, rows: Sequence[int]) -> tuple[list[str], Vectors, list[bytes]]:
        """Return what stands in ``rows``: ids, vectors and payloads."""
        return [self.ids[row] for row in rows], self.vectors[list(rows)], [self.payloads[row] for row in rows]

    def matching(self, filter: dict[str, Any]) -> Rows:
        """Mark the rows whose metadata meets ``filter``.

        Raises:
            ValueError: The filter is not known.
        """
        return self.meeting(parse(filter))

    def meeting(self, condition: Condition) -> Rows:
        """Mark the rows whose metadata meets a condition."""
        import numpy as np

        if isinstance(condition, Test):
            return self._rows_where(condition)
        decide = np.logical_and if condition.kind == "$and" else np.logical_or
        rows = np.full(len(self.ids), condition.kind == "$and", dtype=np.bool_)
        for part in condition.parts:
            rows = decide(rows, self.meeting(part))
        return rows

    def pack(self) -> bytes:
        """Return the segment as bytes: header, vectors, centres, payloads."""
        kind = "<f4" if self.centres is None else "<f2"
        centres = b"" if self.centres is None else self.centres.astype("<f4").tobytes()
        header = _json(
            {
                "ids": self.ids,
                "dimensions": self.dimensions,
                "type": kind,
                "starts": self.starts,
                "sizes": self.payloads.sizes(),
            }
        )
        header += b" " * (-(_PREFIX + len(header)) % _ALIGNMENT)
        vectors = self.vectors.astype(kind, copy=False).reshape(-1).view("u1").data
        return b"".join([len(header).to_bytes(_PREFIX, "little"), header, vectors, centres, self.payloads.whole()])

    @classmethod
    def unpack(cls, data: Bytes) -> Segment:
        """Read what :meth:`pack` wrote; payloads, and vectors of 32 bits, stay where they are in ``data``."""
        import numpy as np

        view = memoryview(data)
        start = _PREFIX + int.from_bytes(view[:_PREFIX], "little")
        header = json.loads(bytes(view[_PREFIX:start]))
        rows, dimensions = len(header["ids"]), header["dimensions"]
        # Segments of earlier versions name no type and have no lists.
        shape, kind = (rows, dimensions), header.get("type", "<f4")
        vectors = np.frombuffer(view, dtype=kind, count=rows * dimensions, offset=start).reshape(shape)
        place = start + vectors.nbytes
        starts, centres = header.get("starts", []), None
        if starts:
            centres = np.frombuffer(view, "<f4", (len(starts) - 1) * dimensions, place).reshape(-1, dimensions)
            place += centres.nbytes
        return cls(
            header["ids"],
            vectors.astype("<f4", copy=False),
            Payloads(view, list(accumulate(header["sizes"], initial=place))),
            centres,
            starts,
        )

    def _rows_where(self, test: Test) -> Rows:
        import numpy as np

        if test.field not in self._facets:
            self._facets[test.field] = self._facet(test.field)
        facet = self._facets[test.field]
        rows = np.zeros(len(self.ids), dtype=np.bool_)
        if test.operator == "$in":
            tokens = {comparable(value) for value in test.value}
            found = [facet[token] for token in tokens if token in facet]
        else:
            found = [rows for value, rows in facet.items() if test.met_by(json.loads(value))]
        for places in found:
            rows[places] = True
        return rows

    def _facet(self, field: str) -> dict[str, NDArray[np.intp]]:
        """Return the rows of each value of one metadata member; made once, since a segment never changes."""
        import numpy as np

        facet: dict[str, list[int]] = {}
        for row in range(len(self.ids)):
            metadata = json.loads(self.payloads[row])["metadata"]
            if field in metadata:
                facet.setdefault(comparable(metadata[field]), []).append(row)
        return {token: np.array(rows, dtype=np.intp) for token, rows in facet.items()}


def latest(items: Sequence[VectorItem]) -> list[VectorItem]:
    """Return of each id the last item.

    Raises:
        DimensionMismatch: Their vectors differ in length.
    """
    last = {item.id: item for item in items}
    lengths = {len(item.vector) for item in last.values()}
    if len(lengths) != 1:
        raise DimensionMismatch(
            f"The vectors have different lengths ({', '.join(map(str, sorted(lengths)))}). "
            "Make all of them with the same embedding model."
        )
    return list(last.values())


def unit(vectors: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Return the vectors at length one, where a dot product is the cosine.

    Raises:
        ValueError: A vector is zero or not finite.
    """
    import numpy as np

    packed = np.empty((len(vectors), len(vectors[0])), dtype="<f4")
    # Part by part: a large document would take half a gigabyte for what is in between.
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        matrix = np.asarray(vectors[start : start + _ROWS_AT_ONCE], dtype=np.float64)
        # Scaled first, so that squares of very large or small members neither overflow nor vanish.
        largest = np.abs(matrix).max(axis=1, keepdims=True)
        if not (np.isfinite(largest).all() and largest.all()):
            raise ValueError(
                "A vector is all zeros or holds a value that is no number. Send the vector that the model made."
            )
        matrix = matrix / largest
        packed[start : start + len(matrix)] = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return packed


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
