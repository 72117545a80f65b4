"""What searches of the embedded vector store cost, and how much they find of what an exact search finds.

Clustered unit vectors of 384 members, a text of 200 bytes each, in a bucket of the in-process emulator of S3: the
network is not in the figures, reading, mapping and searching are.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import boto3
import numpy as np
from moto import mock_aws
from numpy.typing import NDArray

from smyth.aws.bucket import Bucket
from smyth.aws.vectors import BucketVectors
from smyth.connectors.vectors.port import VectorItem

DIMENSIONS, CLUSTERS, TOP_K, WRITTEN_AT_ONCE = 384, 1_000, 10, 1_000
TENANT, NAMESPACE, BUCKET = "ten-bench", "bench", "bench"
#: Rows -> the most that a warm search may take in the middle, in milliseconds.
LIMITS_MS = {10_000: 2.0, 100_000: 10.0}
COLD_S, RECALL = 2.0, 0.95
FILTERS: dict[str, tuple[dict[str, Any], Callable[[NDArray[np.intp]], NDArray[np.bool_]]]] = {
    "": ({}, lambda rows: rows >= 0),
    "1 %": ({"n": 7}, lambda rows: rows % 100 == 7),
    "10 %": ({"n": {"$lt": 10}}, lambda rows: rows % 100 < 10),
    "50 %": ({"n": {"$gte": 50}}, lambda rows: rows % 100 >= 50),
}


def main() -> int:
    """Measure; the exit status tells whether the limits were kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=list(LIMITS_MS))
    parser.add_argument("--queries", type=int, default=100)
    options = parser.parse_args()
    kept = [measure(rows, options.queries) for rows in options.rows]
    return 0 if all(kept) else 1


def measure(rows: int, queries: int) -> bool:
    """Fill a namespace, search it, and print what was seen."""
    vectors = clustered(rows + queries)
    vectors, asked = vectors[:rows], vectors[rows:]
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        s3.create_bucket(Bucket=BUCKET)
        started = time.perf_counter()
        fill(BucketVectors(Bucket(BUCKET, s3)), vectors)
        filled = time.perf_counter() - started
        size = sum(one["Size"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"])
        store = BucketVectors(Bucket(BUCKET, s3))
        before = resident()
        cold = timed(lambda: store.search(TENANT, NAMESPACE, asked[0].tolist(), TOP_K))
        print(f"{rows:,} x {DIMENSIONS}: filled in {filled:.1f} s, {size / 1e6:.1f} MB in the bucket")
        print(f"  first search {cold:.2f} s, memory {before:.0f} -> {resident():.0f} MB")
        kept = cold < COLD_S
        for name, (filter, marks) in FILTERS.items():
            recall, p50, cpu = search(store, vectors, asked, filter, np.flatnonzero(marks(np.arange(rows))))
            print(f"  {name or 'no'} filter: recall@{TOP_K} {recall:.3f}, p50 {p50:.2f} ms ({cpu:.2f} ms of CPU)")
            kept &= recall >= RECALL and (bool(name) or p50 < LIMITS_MS.get(rows, 10.0))
    print(f"  {'within' if kept else 'NOT within'} the limits; most memory {peak():.0f} MB")
    return kept


def clustered(rows: int) -> NDArray[np.float32]:
    """Return unit vectors that lie around centres; the same each time."""
    chance = np.random.default_rng(11)
    centres = chance.normal(size=(CLUSTERS, DIMENSIONS)).astype(np.float32)
    vectors = centres[chance.integers(CLUSTERS, size=rows)]
    vectors += 0.7 * chance.normal(size=vectors.shape).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def fill(store: BucketVectors, vectors: NDArray[np.float32]) -> None:
    """Write the vectors as a busy caller does, in many writes."""
    for start in range(0, len(vectors), WRITTEN_AT_ONCE):
        part = vectors[start : start + WRITTEN_AT_ONCE].tolist()
        items = [
            VectorItem(str(start + at), tuple(one), "word " * 40, {"n": (start + at) % 100})
            for at, one in enumerate(part)
        ]
        store.upsert(TENANT, NAMESPACE, items)


def search(
    store: BucketVectors,
    vectors: NDArray[np.float32],
    asked: NDArray[np.float32],
    filter: dict[str, Any],
    allowed: NDArray[np.intp],
) -> tuple[float, float, float]:
    """Return how much of the truth was found, and the time and CPU time of a search in the middle, in milliseconds."""
    index = store._index(f"t/{TENANT}/vectors/{NAMESPACE}/")
    index.search(asked[0].tolist(), TOP_K, filter)
    hits, times, worked = [], [], []
    for members in asked.tolist():
        started, cpu = time.perf_counter(), time.process_time()
        hits.append(index.search(members, TOP_K, filter))
        times.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    found = 0
    for query, seen in zip(asked, hits, strict=True):
        # Apart from the searches, whose vectors it would drive out of the CPU's cache.
        near = allowed[np.argpartition(-(vectors[allowed] @ query), TOP_K)[:TOP_K]]
        found += len({int(hit.id) for hit in seen} & set(near.tolist()))
    return found / (TOP_K * len(asked)), median(times), median(worked)


def timed(work: Callable[[], Any]) -> float:
    """Return how long some work takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def resident() -> float:
    """Return what the process has in memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak() -> float:
    """Return the most that the process had in memory, in MB; the test's own vectors are in it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
