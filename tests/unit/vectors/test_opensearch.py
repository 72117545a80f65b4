"""What OpenSearch asks of its adapter, beside the contract of all vector stores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from opensearchpy.exceptions import RequestError, TransportError

from smyth.aws.opensearch import OpenSearchVectors
from smyth.aws.opensearch_client import Patience, Service, connect
from smyth.aws.opensearch_items import cosine
from smyth.connectors.vectors.port import NotReady, Stats, TooManyWriters, VectorItem
from tests.peers.opensearch_server import OpenSearchServer
from tests.unit import aws_clients

TENANT = "ten-01kaqvx3t7m9c2d4e6f8g0h1j2"
LONGEST_NAMESPACE = "n" * 64

Make = Callable[..., OpenSearchVectors]


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(clock: Clock) -> Iterator[tuple[Callable[..., OpenSearchServer], Make]]:
    """Makes peers, and stores on them that wait without losing time."""
    running: list[OpenSearchServer] = []

    def serve(service: str = "aoss", *, lag: int = 0) -> OpenSearchServer:
        running.append(OpenSearchServer(service, lag=lag))
        return running[-1].__enter__()

    def store(server: OpenSearchServer, *, service: Service = "aoss", wait_s: float = 0.0) -> OpenSearchVectors:
        client = connect(server.url, service, aws_clients.session())
        patience = Patience(wait_s, clock, clock.sleep)
        return OpenSearchVectors(server.url, service=service, wait_s=wait_s, client=client, patience=patience)

    yield serve, store
    for server in running:
        server.__exit__()


def item(item_id: str, *vector: float, text: str | None = None, **metadata: Any) -> VectorItem:
    return VectorItem(item_id, vector, text, metadata)


def ids(store: OpenSearchVectors, *vector: float, top_k: int = 10) -> list[str]:
    return [hit.id for hit in store.search(TENANT, "notes", vector, top_k)]


def paths(server: OpenSearchServer) -> list[str]:
    return [asked.path.rpartition("/")[2] for asked in server.asked]


def test_it_neither_needs_nor_loads_grpc() -> None:
    without = ("grpc", "google.protobuf", "opensearch_protobufs")
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({without!r}))\n"
        "from boto3.session import Session\n"
        "import smyth.aws.opensearch\n"
        "assert 'opensearchpy' not in sys.modules\n"
        "from smyth.aws.opensearch_client import connect\n"
        "connect('https://x.aoss.amazonaws.com', 'aoss', Session('x', 'x', region_name='us-east-1')).indices\n"
        "import opensearchpy.helpers\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_longest_namespace_has_a_name_that_opensearch_takes(opensearch_store: OpenSearchVectors) -> None:
    opensearch_store.upsert(TENANT, LONGEST_NAMESPACE, [item("1", 1, 0)])
    assert opensearch_store.namespaces(TENANT) == [LONGEST_NAMESPACE]
    assert opensearch_store.stats(TENANT, LONGEST_NAMESPACE) == Stats(1, 2)


def test_a_filter_is_applied_while_the_graph_is_searched(
    opensearch_store: OpenSearchVectors, opensearch: OpenSearchServer
) -> None:
    opensearch_store.upsert(TENANT, "notes", [item("1", 1, 0, year=2024)])
    opensearch_store.search(TENANT, "notes", (1.0, 0.0), 3, {"year": {"$gte": 2020}})
    near = opensearch.asked[-1].json["query"]["knn"]["vector"]
    assert near.keys() == {"vector", "k", "filter"}
    assert json.dumps(near["filter"]).count('"range"') == 1


@pytest.mark.parametrize(("score", "similarity"), [(2.0, 1.0), (1.0, 0.0), (0.5, -1.0), (1.25, 0.25)])
def test_scores_of_the_inner_product_are_turned_into_cosines(score: float, similarity: float) -> None:
    assert cosine(score) == pytest.approx(similarity)


def test_a_large_write_is_found_whole_and_leaves_nothing_old(
    opensearch_store: OpenSearchVectors, opensearch: OpenSearchServer
) -> None:
    old = [item(f"{n:04}", 1, n, source="a") for n in range(1_200)]
    assert opensearch_store.upsert(TENANT, "notes", old) == 1_200
    assert paths(opensearch).count("_bulk") == 3
    assert opensearch_store.replace(TENANT, "notes", {"source": "a"}, old[:1_100]) == 1_200
    assert opensearch_store.stats(TENANT, "notes") == Stats(1_100, 2)


@pytest.mark.parametrize("lag", [1, 3])
def test_writes_wait_until_searches_see_them(made: Any, lag: int) -> None:
    serve, make = made
    store = make(serve(lag=lag))
    store.upsert(TENANT, "notes", [item("1", 1, 0, source="a"), item("2", 1, 1, source="a")])
    assert ids(store, 1.0, 0.0) == ["1", "2"]
    store.upsert(TENANT, "notes", [item("1", 0, 1, source="a")])
    assert ids(store, 1.0, 0.0) == ["2", "1"]
    assert store.replace(TENANT, "notes", {"source": "a"}, [item("3", 1, 0, source="a")]) == 2
    assert ids(store, 1.0, 0.0) == ["3"]
    assert store.delete_items(TENANT, "notes", ["3"]) == 1
    assert store.stats(TENANT, "notes") == Stats(0, 2)


def test_a_search_between_new_and_old_shows_the_newer_one_of_an_item(made: Any) -> None:
    serve, make = made
    server = serve()
    store = make(server)
    store.upsert(TENANT, "notes", [item("1", 1, 0, text="old")])
    seen: list[list[str | None]] = []
    answer = server.answer

    def watched(asked: Any) -> Any:
        if asked.path == "/_bulk" and b'"delete"' in asked.body:
            server.answer = answer
            seen.append([hit.text for hit in store.search(TENANT, "notes", (1.0, 0.0), 5)])
        return answer(asked)

    server.answer = watched
    store.upsert(TENANT, "notes", [item("1", 1, 1, text="new")])
    assert seen == [["new"]]


def test_a_write_that_is_not_seen_in_time_says_so_and_is_whole_when_done_again(made: Any, clock: Clock) -> None:
    serve, make = made
    server = serve(lag=1_000)
    store = make(server)
    with pytest.raises(NotReady, match=r"does not show it yet\. Send it again") as refusal:
        store.upsert(TENANT, "notes", [item("1", 1, 0)])
    assert (refusal.value.retry_after_s, clock.now < 21) == (10, True)
    server.show_all()
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    assert store.stats(TENANT, "notes") == Stats(1, 2)


def test_a_collection_that_sleeps_is_told_with_when_to_come_again(made: Any) -> None:
    serve, make = made
    server = serve()
    server.asleep = 1_000
    with pytest.raises(NotReady, match="waking up") as refusal:
        make(server).search(TENANT, "notes", (1.0, 0.0), 5)
    assert refusal.value.retry_after_s == 15
    assert len(server.asked) == 1


def test_by_setting_a_call_waits_until_the_collection_is_awake(made: Any, clock: Clock) -> None:
    serve, make = made
    server = serve()
    store = make(server, wait_s=20.0)
    server.asleep = 6
    assert store.upsert(TENANT, "notes", [item("1", 1, 0)]) == 1
    assert 0 < clock.now < 20
    server.asleep = 1_000
    with pytest.raises(NotReady, match="waking up"):
        store.search(TENANT, "notes", (1.0, 0.0), 5)


def test_a_store_that_cannot_be_reached_is_not_ready() -> None:
    with OpenSearchServer("aoss") as server:
        url = server.url
    store = OpenSearchVectors(url, client=connect(url, "aoss", aws_clients.session()))
    with pytest.raises(NotReady):
        store.exists(TENANT, "notes")


def test_throttled_writes_are_sent_again_and_nothing_comes_twice(made: Any) -> None:
    serve, make = made
    server = serve()
    store = make(server)
    server.throttled = 3
    store.upsert(TENANT, "notes", [item("1", 1, 0), item("2", 0, 1)])
    assert store.stats(TENANT, "notes") == Stats(2, 2)
    server.throttled = 10_000
    with pytest.raises(NotReady, match="too much to do") as refusal:
        store.upsert(TENANT, "notes", [item("1", 1, 0)])
    assert refusal.value.retry_after_s == 2


def test_writers_of_the_same_items_leave_one_of_each(made: Any) -> None:
    serve, make = made
    store = make(serve())
    store.upsert(TENANT, "notes", [item("first", 1, 0)])

    def write(n: int) -> int:
        items: list[VectorItem] = [item("shared", 1, n), item(f"own-{n}", 1, n)]
        return int(store.upsert(TENANT, "notes", items))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(write, range(6))) == [2] * 6
    assert store.stats(TENANT, "notes") == Stats(8, 2)


def test_a_write_after_the_namespace_was_deleted_begins_it_anew(made: Any) -> None:
    serve, make = made
    server = serve()
    store = make(server, wait_s=5.0)
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    store.delete(TENANT, "notes")
    store.upsert(TENANT, "notes", [item("2", 1, 0, 0)])
    assert store.stats(TENANT, "notes") == Stats(1, 3)


def test_another_writers_new_index_that_is_not_shown_yet_is_left_alone(
    opensearch_store: OpenSearchVectors, opensearch: OpenSearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opensearch_store.upsert(TENANT, "notes", [item("1", 1, 0)])
    with monkeypatch.context() as patched:
        patched.setattr(opensearch_store, "_mappings", lambda _: [])
        with pytest.raises(TooManyWriters, match="Try again"):
            opensearch_store.upsert(TENANT, "notes", [item("2", 1, 1)])
    assert "DELETE" not in {asked.method for asked in opensearch.asked}
    assert ids(opensearch_store, 1.0, 0.0) == ["1"]


def test_a_domain_shows_writes_at_once(made: Any) -> None:
    serve, make = made
    server = serve("es")
    store = make(server, service="es")
    store.upsert(TENANT, "notes", [item("1", 1, 0)])
    assert [asked.query for asked in server.asked if asked.path == "/_bulk"] == [{"refresh": "true"}]
    assert ids(store, 1.0, 0.0) == ["1"]


def test_stamps_that_stand_still_lose_nothing(opensearch: OpenSearchServer, opensearch_client: Any) -> None:
    ticks = count(10**18)
    store = OpenSearchVectors(opensearch.url, client=opensearch_client, stamps=lambda: next(ticks) // 2)
    for n in range(4):
        store.upsert(TENANT, "notes", [item("1", 1, n), item(f"{n + 2}", 1, n)])
    assert set(ids(store, 1.0, 0.0)) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    "query",
    [
        {"knn": {"vector": {"vector": [1.0, 0.0], "k": 3, "filters": {"match_all": {}}}}},
        {"knn": {"vector": {"vector": [1.0, 0.0], "k": 3, "filter": {"term": {"unknown": "x"}}}}},
        {"knn": {"vector": {"vector": [1.0, 0.0], "k": 3, "filter": {"term": {"metadata": "x"}}}}},
        {"knn": {"vector": {"vector": [1.0], "k": 3}}},
        {"knn": {"vector": {"vector": [1.0, 0.0], "k": 0}}},
        {"knn": {"vector": {"vector": [1.0, 0.0], "k": 3, "filter": {"bool": {"filters": []}}}}},
    ],
)
def test_the_peer_refuses_what_opensearch_does_not_know(
    opensearch_store: OpenSearchVectors, opensearch: OpenSearchServer, opensearch_client: Any, query: Any
) -> None:
    opensearch_store.upsert(TENANT, "notes", [item("1", 1, 0)])
    index = next(iter(opensearch_client.indices.get_mapping(index="smyth-*")))
    with pytest.raises(RequestError):
        opensearch_client.search(index=index, body={"query": query, "size": 3})


def test_the_peer_refuses_ids_and_refreshing_on_serverless(opensearch_client: Any, opensearch: Any) -> None:
    line = '{"index":{"_index":"x"}}\n{}\n'
    for said in ({"body": line.replace('"x"', '"x","_id":"mine"')}, {"body": line, "refresh": "true"}):
        with pytest.raises(TransportError):
            opensearch_client.bulk(**said)
