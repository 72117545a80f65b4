"""Inverted lists: which rows of a large segment lie near which centre, so that a search reads few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

#: Smaller segments are read whole, which is as quick and exact.
LARGE = 16_384
#: How many rows the lists of one centre have on average.
_ROWS_PER_LIST = 128
#: The centres are learned from so many rows.
_LEARNED_FROM = 24
_ROUNDS = 6
_BLOCK = 8_192


def centres_of(vectors: Vectors) -> NDArray[np.float32]:
    """Return centres of unit vectors by spherical k-means over some of them; the same for the same vectors."""
    import numpy as np

    rows = len(vectors)
    count = max(1, rows // _ROWS_PER_LIST)
    chance = np.random.default_rng(rows)
    seen = np.sort(chance.choice(rows, min(rows, count * _LEARNED_FROM), replace=False))
    sample = vectors[seen]
    centres = sample[np.sort(chance.choice(len(sample), count, replace=False))]
    for _ in range(_ROUNDS):
        nearest = nearest_centres(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A centre that nothing is near to stays where it is.
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres


def nearest_centres(vectors: Vectors, centres: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the number of the nearest centre of each vector."""
    import numpy as np

    blocks = range(0, len(vectors), _BLOCK)
    near = [(vectors[start : start + _BLOCK] @ centres.T).argmax(axis=1) for start in blocks]
    return np.concatenate(near)
