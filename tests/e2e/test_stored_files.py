"""A file that an agent stores has a link that works from the client's side, without a key."""

from __future__ import annotations

import httpx

from tests.e2e.laptop import Dev
from tests.unit.engine.workflows import document, endpoint, output, part


def test_the_link_of_a_stored_file_works_in_a_browser(dev: Dev) -> None:
    agent = document(
        endpoint({"name": "doc", "type": "Binary"}),
        part("S", "FileStore", {"name": "kept", "ttl": 86_400}, inputs=("Data",), outputs=("Url!",)),
        output("url"),
        wires=("E.body.doc > S.Data", "S.Url > O.url"),
        name="Keeper",
    )
    with dev.client() as http:
        made = http.post("/api/agents/import", json=agent)
        assert made.status_code == 201, made.text
        upload = {"doc": ("a.csv", b"a,b\n", "text/csv")}
        answer = http.post(f"/api/agents/{made.json()['id']}/run/go", files=upload)
    assert answer.status_code == 200, answer.text
    url = answer.json()["url"]
    assert url.startswith(f"{dev.url}/files/")
    got = httpx.get(url, follow_redirects=True, trust_env=False, timeout=60)
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, b"a,b\n", "text/csv")
    assert "kept.csv" in got.headers["content-disposition"]
