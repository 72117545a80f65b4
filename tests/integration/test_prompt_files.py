"""Files that callers send with a message, through the functions."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from smyth.connectors.http.port import HttpReply, HttpRequest
from smyth.connectors.models.port import ToolCall
from smyth.http.services import services
from tests.integration.events import Context, call, caller_context
from tests.integration.talkers import script_models, statuses, talker
from tests.peers.scripted_models import Reply
from tests.unit.conversation.agents import answering

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA = base64.b64encode(PNG).decode()
SHOWN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}


def ask(caller: Context, agent_id: str, files: list[Any], route: str = "prompt", **body: Any) -> Any:
    path = f"/api/agents/{agent_id}/{route}"
    return call("POST", path, body={"message": "Look", "files": files, **body}, caller=caller)


def uploaded(caller: Context, content: bytes = PNG, name: str = "red.png") -> str:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n'
        b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = call("POST", "/api/storage/upload", body=body, headers=headers, caller=caller)
    assert answer.status == 201, answer.content
    key: str = answer.json()["key"]
    return key


class Web:
    """An HTTP port with one picture."""

    async def send(self, request: HttpRequest) -> HttpReply:
        status = 200 if request.url.endswith(".png") else 404
        return HttpReply(status=status, headers={"content-type": "image/png"}, content=PNG, url=request.url)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(services()), "http", Web())


def test_a_file_that_does_not_come_is_not_waited_for_without_end(
    caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        async def send(self, request: HttpRequest) -> HttpReply:
            await asyncio.Event().wait()
            raise AssertionError("never reached")

    monkeypatch.setitem(vars(services()), "http", Silent())
    monkeypatch.setattr("smyth.http.attachments._PATIENCE_S", 0.01)
    answer = ask(caller, talker(caller), ["https://example.com/a.png"])
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:attachment_unavailable")
    assert statuses(caller) == ["released"]


def test_more_than_a_model_is_shown_is_refused(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smyth.http.attachments.MOST_BYTES", 2 * len(PNG) - 1)
    answer = ask(caller, talker(caller), [{"data": DATA}] * 2)
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:attachments_too_large")
    assert statuses(caller) == ["released"]


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("route", ["prompt", "chat", "stream"])
@pytest.mark.parametrize(
    "given",
    [
        f"data:image/png;base64,{DATA}",
        {"url": f"data:image/png;base64,{DATA}", "name": "red.png"},
        {"data": DATA},
        {"data": DATA, "name": "red.png", "content_type": "image/png"},
        "https://example.com/a.png",
        {"url": "https://example.com/a.png", "name": "red.png"},
    ],
)
def test_a_picture_is_shown_to_the_model_and_named_in_the_text(
    caller: Context, monkeypatch: pytest.MonkeyPatch, given: Any, route: str
) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("A picture."))
    answer = ask(caller, agent_id, [given], route)
    assert answer.status == 200, answer.content
    text, shown = models.requests[0].messages[-1]["content"]
    assert shown == SHOWN
    assert text["text"].startswith("Look\n\n----\nAttachments:  - smythfs://")
    assert f".team/{agent_id}/_temp/" in text["text"]
    assert text["text"].endswith(".png")


def test_an_uploaded_file_is_found_by_its_key(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("A picture."))
    assert ask(caller, agent_id, [uploaded(caller)]).status == 200
    assert models.requests[0].messages[-1]["content"][1] == SHOWN


def test_a_file_that_is_stored_keeps_its_address(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("one"), Reply("two"))
    ask(caller, agent_id, [{"data": DATA}])
    named = models.requests[0].messages[-1]["content"][0]["text"]
    address = named.rpartition(" - ")[2]
    assert ask(caller, agent_id, [address]).status == 200
    assert models.requests[1].messages[-1]["content"] == [{"type": "text", "text": named}, SHOWN]


def test_a_file_of_another_tenant_is_not_found(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    other = caller_context()
    key = uploaded(other)
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("never asked"))
    answer = ask(caller, agent_id, [key])
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:attachment_unavailable")
    assert models.requests == []
    assert statuses(caller) == ["released"]


@pytest.mark.parametrize(
    "given",
    [
        "smythfs://other.team/x/a.png",
        "smythfs://default.team/../secrets",
        "smythfs://default.team/agent/none.png",
        "https://127.0.0.1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8080/",
        "data:image/png;base64,%%%",
        "fil-01k00000000000000000000000-none.png",
        {"data": "not base64!"},
    ],
)
@pytest.mark.parametrize("route", ["prompt", "stream"])
def test_a_file_that_cannot_be_had_is_told_and_not_billed(
    caller: Context, monkeypatch: pytest.MonkeyPatch, given: Any, route: str
) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("never asked"))
    answer = ask(caller, agent_id, ["data:text/plain,fine", given], route)
    assert (answer.status, answer.json()["type"]) == (422, "urn:smyth:problem:attachment_unavailable")
    assert answer.json()["detail"].startswith("files[1]: ")
    assert models.requests == []
    assert statuses(caller) == ["released"]


def test_what_the_model_does_not_read_is_warned_of(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply("one"), Reply("two"))
    note = {"data": base64.b64encode(b"note").decode(), "name": "note.txt"}
    warning = "The model scripted does not read text/plain: it was told of note.txt, and not shown it."
    assert ask(caller, agent_id, [note]).json()["warnings"] == [warning]
    end = ask(caller, agent_id, [note], "stream").content.decode().strip().rsplit("data: ", 1)[1]
    assert json.loads(end)["warnings"] == [warning]


def test_a_skill_that_takes_files_gets_the_callers(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted", **answering("take", {"name": "file", "type": "Binary"}))
    models = script_models(monkeypatch)

    def take() -> Reply:
        address = models.requests[0].messages[-1]["content"].rpartition(" - ")[2]
        return Reply(calls=(ToolCall("c", "take", json.dumps({"file": address})),))

    class Script(list[Reply]):
        def popleft(self) -> Reply:
            return take() if len(models.requests) == 1 else Reply("taken")

    models.script = Script()  # type: ignore[assignment]
    (taken,) = ask(caller, agent_id, [{"data": DATA}]).json()["tool_calls"]
    assert taken["result"]["file"]["mimetype"] == "image/png"
    assert taken["result"]["file"]["size"] == len(PNG)


def test_a_picture_is_remembered_in_a_chat(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    models = script_models(monkeypatch, Reply("A picture."), Reply("Still."))
    first = ask(caller, agent_id, [{"data": DATA}], "chat").json()
    answer = ask(caller, agent_id, [], "chat", conversation_id=first["conversation_id"])
    assert answer.status == 200
    assert models.requests[1].messages[1] == models.requests[0].messages[1]
