"""Files as resources of MCP: which are listed, read and kept from others."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from smyth.http.mcp import resources
from smyth.http.services import services
from tests.integration.events import Context, call, caller_context
from tests.integration.mcp_agents import agent_of, ask, use
from tests.integration.talkers import statuses
from tests.unit.conversation.agents import answering, endpoint


class TestResources:
    @staticmethod
    def upload(caller: Context, name: str, content: bytes, kind: str) -> str:
        body = (
            f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        ).encode() + (content + b"\r\n--b--\r\n")
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = call("POST", "/api/storage/upload", body=body, headers=headers, caller=caller)
        assert answer.status == 201, answer.content
        key: str = answer.json()["key"]
        return key

    @staticmethod
    def storing() -> dict[str, Any]:
        """A skill that stores a file of its own."""
        start = endpoint("store", {"name": "text"})
        store = {
            "id": "STORE",
            "name": "FileStore",
            "data": {"name": "a note", "ttl": "86400"},
            "inputs": [{"name": "Data"}],
            "outputs": [{"name": "Url", "default": True}],
        }
        wire = {"sourceId": start["id"], "sourceIndex": 3, "targetId": "STORE", "targetIndex": 0}
        return {"components": [start, store], "connections": [wire]}

    def test_uploads_and_stored_files_are_listed_and_read(self, caller: Context) -> None:
        agent_id = agent_of(caller, self.storing())
        text = self.upload(caller, "Über.csv", "a,ä".encode(), "text/csv")
        image = self.upload(caller, "x.png", b"\x89PNG\xff", "image/png")
        planned = call("POST", "/api/storage/upload", body={"name": "later", "size": 3}, caller=caller)
        assert planned.status == 201
        use(caller, agent_id, "store", {"text": "hello"})
        listed = ask(caller, agent_id, "resources/list")["result"]["resources"]
        assert [one["uri"] for one in listed[:2]] == [f"upload:///{text}", f"upload:///{image}"]
        assert listed[0] | {"uri": ""} == {"name": "Über.csv", "uri": "", "mimeType": "text/csv", "size": 4}
        (stored,) = listed[2:]
        assert stored["uri"].startswith(f"smythfs://{agent_id}.agent/components_data/")
        assert stored["uri"].endswith(".a%20note.txt")
        assert (stored["mimeType"], stored["size"]) == ("text/plain", 5)
        contents = [
            ask(caller, agent_id, "resources/read", {"uri": one["uri"]})["result"]["contents"][0] for one in listed
        ]
        assert contents[0] == {"uri": listed[0]["uri"], "mimeType": "text/csv", "text": "a,ä"}
        assert contents[1]["blob"] == base64.b64encode(b"\x89PNG\xff").decode()
        assert contents[2]["text"] == "hello"
        assert statuses(caller) == ["settled"]  # The one call of the tool.

    def test_a_file_that_a_skill_answers_with_is_read_by_its_address(self, caller: Context) -> None:
        agent_id = agent_of(caller, answering("keep", {"name": "file", "type": "Binary"}))
        answer = use(caller, agent_id, "keep", {"file": "data:text/plain;base64,aGk="})["result"]["structuredContent"]
        uri = answer["file"]["url"]
        template = ask(caller, agent_id, "resources/templates/list")["result"]["resourceTemplates"][0]["uriTemplate"]
        assert uri.startswith(template.removesuffix("{+path}"))
        assert ask(caller, agent_id, "resources/read", {"uri": uri})["result"]["contents"][0]["text"] == "hi"

    def test_long_lists_come_in_pages(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resources, "_PAGE", 2)
        agent_id = agent_of(caller, self.storing())
        for number in range(3):
            self.upload(caller, f"{number}.txt", b"x", "text/plain")
            use(caller, agent_id, "store", {"text": "x"})
        pages, cursor = [], None
        while True:
            result = ask(caller, agent_id, "resources/list", {"cursor": cursor} if cursor else {})["result"]
            pages.append([one["uri"] for one in result["resources"]])
            cursor = result.get("nextCursor")
            if cursor is None:
                break
        assert [len(page) for page in pages] == [2, 2, 2, 0]
        assert len({uri for page in pages for uri in page}) == 6
        for wrong in ("x", "%", base64.b64encode(b"elsewhere a").decode()):
            assert ask(caller, agent_id, "resources/list", {"cursor": wrong})["error"]["code"] == -32602

    def test_a_key_that_is_limited_to_agents_sees_no_uploads(self, caller: Context) -> None:
        agent_id = agent_of(caller)
        key = self.upload(caller, "a.txt", b"x", "text/plain")
        limited = caller_context(caller["tenant_id"], agents=[agent_id])
        assert ask(limited, agent_id, "resources/list")["result"]["resources"] == []
        assert "error" in ask(limited, agent_id, "resources/read", {"uri": f"upload:///{key}"})

    def test_what_is_too_large_is_told(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        agent_id = agent_of(caller, self.storing())
        self.upload(caller, "a.txt", b"hello", "text/plain")
        use(caller, agent_id, "store", {"text": "hello"})
        monkeypatch.setattr(resources, "MAX_DIRECT_BYTES", 4)
        for one in ask(caller, agent_id, "resources/list")["result"]["resources"]:
            error = ask(caller, agent_id, "resources/read", {"uri": one["uri"]})["error"]
            assert error["data"]["status"] == 413
            assert "5 bytes" in error["message"]

    @pytest.mark.parametrize(
        "uri",
        [
            "upload:///fil-none",
            "upload:///../../x",
            "upload:///",
            "file:///etc/passwd",
            "smythfs://{tenant}.team/agt-other/_temp/x",
            "smythfs://{tenant}.team/{agent}/../agt-other/x",
            "smythfs://{tenant}.team/{agent}/%2e%2e/agt-other/x",
            "smythfs://ten-other.team/{agent}/x",
            "smythfs://agt-other.agent/x",
            "smythfs://{agent}.agent/none.txt",
            "\u2603",
            "",
        ],
    )
    def test_other_addresses_lead_nowhere(self, caller: Context, uri: str) -> None:
        agent_id = agent_of(caller)
        uri = uri.replace("{tenant}", caller["tenant_id"]).replace("{agent}", agent_id)
        services().bucket.put(f"t/{caller['tenant_id']}/fs/teams/{caller['tenant_id']}/agt-other/x", b"secret")
        assert ask(caller, agent_id, "resources/read", {"uri": uri})["error"]["code"] == -32602
