"""Calls of every route for what agents know, for the test of rights."""

from __future__ import annotations

import json

from tests.infra.callers import Caller
from tests.infra.cloud import Cloud


def vectors(tenant: Caller) -> None:
    """Keep vectors, find them, and delete them one by one, by what they say, and all."""
    items = [{"id": id, "vector": [1.0, at], "metadata": {"kind": id}} for at, id in enumerate("abc")]
    tenant("POST", "/api/vectordb/upsert", json={"namespace": "n", "items": items})
    search = {"namespace": "n", "vector": [1.0, 0.1], "top_k": 1}
    assert tenant("POST", "/api/vectordb/search", json=search)["hits"][0]["id"] == "a"
    assert tenant("GET", "/api/vectordb")["items"] == [{"namespace": "n"}]
    one = "/api/vectordb/{namespace}"
    assert tenant("GET", one, namespace="n")["items"] == 3
    assert tenant("DELETE", one + "/{item_id}", namespace="n", item_id="a")["deleted"] == 1
    assert tenant("POST", one + "/delete", namespace="n", json={"filter": {"kind": "b"}})["deleted"] == 1
    assert tenant("DELETE", one, namespace="n")["deleted"] == 1


def documents(cloud: Cloud, tenant: Caller, tenant_id: str) -> None:
    """Have a document indexed; this stack has no embedding model, and the record says so."""
    text = {"namespace": "handbook", "name": "travel.md", "text": "Trains are booked by the office."}
    document = tenant("POST", "/api/knowledge", json=text)["id"]
    records = [{"messageId": "m", "body": json.dumps({"tenant_id": tenant_id, "key": "handbook/travel.md"})}]
    assert cloud.invoke("index_knowledge", {"Records": records}) == {"batchItemFailures": []}
    assert len(tenant("GET", "/api/knowledge")["items"]) == 1
    path = "/api/knowledge/{document_id}"
    assert "SMYTH_EMBEDDING_MODEL" in tenant("GET", path, document_id=document)["error"]
    tenant("POST", path + "/reindex", document_id=document)
    tenant("POST", "/api/knowledge/search", refused=422, json={"namespace": "handbook", "query": "trains"})
    tenant("DELETE", path, document_id=document)
    assert cloud.invoke("index_knowledge", {"Records": records}) == {"batchItemFailures": []}
    assert tenant("GET", "/api/knowledge")["items"] == []
