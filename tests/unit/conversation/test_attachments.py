"""Files that come with a message (PROTOCOL section 2.7, oddities 27 and 28)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from smyth.components._files import File
from smyth.connectors.files.port import FileError
from smyth.connectors.http.port import HttpReply, HttpRequest
from smyth.connectors.models.port import Limits, ToolCall
from smyth.connectors.models.tokens import message_tokens
from smyth.connectors.ports import Ports
from smyth.conversation import ConversationError, Turn
from smyth.conversation.attachments import Attachment, Holder, attach
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.conversation.agents import agent, answering

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
GREETER = answering("greet", {"name": "who"})
TAKER = answering("take", {"name": "file", "type": "Binary"})


async def attached(ports: Ports, content: bytes, mimetype: str, name: str = "") -> Attachment:
    return await attach(File(content, mimetype, name), Holder("agent-1", "default", ports))


async def asked(*files: tuple[bytes, str], plan: Any = None, models: ScriptedModels | None = None) -> Turn:
    models = models or scripted(Reply("ok"))
    ports = Ports(models=models)
    attachments = [await attached(ports, content, mimetype, f"f{at}") for at, (content, mimetype) in enumerate(files)]
    turn = Turn(plan or agent(GREETER), "Look", ports, attachments=attachments)
    await turn.run()
    return turn


async def test_a_picture_is_named_in_the_text_and_shown() -> None:
    turn = await asked((PNG, "image/png"))
    (attachment,) = turn.attachments
    assert attachment.url.startswith("smythfs://default.team/agent-1/_temp/")
    assert attachment.url.endswith(".png")
    assert turn.messages[0]["content"] == [
        {"type": "text", "text": f"Look\n\n----\nAttachments:  - {attachment.url}"},
        {"type": "image_url", "image_url": {"url": PNG_URL}},
    ]
    assert turn.warnings == []


async def test_what_the_model_does_not_read_stays_named_and_is_warned_of() -> None:
    models = scripted(Reply("ok"))
    models.known["scripted"] = Limits(media=("image/png", "application/pdf"))
    turn = await asked((b"%PDF-1.1", "application/pdf"), (b"note", "text/plain"), models=models)
    pdf, note = turn.attachments
    text, shown = turn.messages[0]["content"]
    assert text["text"] == f"Look\n\n----\nAttachments:  - {pdf.url}\n - {note.url}"
    assert shown["file"] == {
        "file_data": "data:application/pdf;base64,JVBERi0xLjE=",
        "filename": pdf.url.rpartition("/")[2],
    }
    assert turn.warnings == ["The model scripted does not read text/plain: it was told of f1, and not shown it."]


async def test_an_agent_whose_skill_takes_files_gets_their_addresses_only() -> None:
    models = scripted(Reply("ok"))
    turn = await asked((PNG, "image/png"), plan=agent(TAKER), models=models)
    (attachment,) = turn.attachments
    assert models.requests[0].messages[-1]["content"] == f"Look\n\n----\nAttachments:  - {attachment.url}"
    assert turn.warnings == []


async def test_a_skill_gets_the_file_behind_the_address() -> None:
    models = scripted()
    ports = Ports(models=models)
    attachment = await attached(ports, PNG, "image/png")
    models.script.extend(
        [Reply(calls=(ToolCall("c", "take", f'{{"file":"{attachment.url}"}}'),)), Reply("taken")],
    )
    turn = Turn(agent(TAKER), "Take it", ports, attachments=[attachment])
    await turn.run()
    (call,) = turn.tool_calls
    assert call["result"]["file"]["mimetype"] == "image/png"
    assert call["result"]["file"]["size"] == len(PNG)


async def test_a_picture_stays_in_view_over_tool_rounds_and_later_turns() -> None:
    models = scripted(Reply(calls=(ToolCall("c", "greet", "{}"),)), Reply("seen"), Reply("still seen"))
    turn = await asked((PNG, "image/png"), models=models)
    await Turn(agent(GREETER), "And now?", Ports(models=models), history=turn.messages).run()
    assert [request.messages[1] for request in models.requests] == [turn.messages[0]] * 3


async def test_a_model_that_reads_no_pictures_is_told_that_one_is_left_out() -> None:
    turn = await asked((PNG, "image/png"))
    models = scripted(Reply("ok"))
    models.known["scripted"] = Limits(media=("text/",))
    await Turn(agent(), "And now?", Ports(models=models), history=turn.messages).run()
    told = models.requests[0].messages[1]["content"][1]
    assert told == {"type": "text", "text": "[A file of a kind that this model does not read is left out.]"}


async def test_a_file_alone_is_a_message() -> None:
    ports = Ports(models=scripted(Reply("A picture.")))
    turn = Turn(agent(), "", ports, attachments=[await attached(ports, PNG, "image/png")])
    await turn.run()
    assert turn.output == "A picture."


async def test_a_file_counts_as_a_picture_and_not_as_so_much_text() -> None:
    big = (PNG + b"\0" * 3_000_000, "image/png")
    turn = await asked(big)
    assert message_tokens(turn.messages[0]) < 2_000


async def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(FileError, match="Send a smaller one"):
        await attached(Ports(), b"x" * (25 * 1024 * 1024 + 1), "text/plain")


class Web:
    """An HTTP port with one picture."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        self.asked.append(request.url)
        status = 200 if request.url.endswith(".png") else 404
        return HttpReply(status=status, headers={"content-type": "image/png"}, content=PNG, url=request.url)


def part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


async def test_addresses_in_parts_are_read_through_our_own_ports() -> None:
    models, web = scripted(Reply("ok")), Web()
    ports = Ports(models=models, http=web)  # type: ignore[arg-type]
    message = [{"type": "text", "text": "Look"}, part("https://example.com/a.png")]
    history = [{"role": "user", "content": [part("https://example.com/b.png")]}, {"role": "assistant", "content": "b"}]
    await Turn(agent(), message, ports, history=history).run()
    assert web.asked == ["https://example.com/a.png", "https://example.com/b.png"]
    shown = {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}}
    assert models.requests[0].messages[1]["content"] == [shown]
    assert models.requests[0].messages[3]["content"][1] == shown


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/gone",
        "smythfs://other.team/agent-1/_temp/a.png",
        "smythfs://default.team/agent-1/_temp/none.png",
        "http://169.254.169.254/latest/meta-data",
    ],
)
async def test_a_file_that_cannot_be_had_is_told_before_the_model_is_asked(url: str) -> None:
    models = scripted()
    ports = Ports(models=models) if "169" in url else Ports(models=models, http=Web())  # type: ignore[arg-type]
    with pytest.raises(ConversationError) as refused:
        await Turn(agent(), [part(url)], ports).run()
    assert refused.value.code == "attachment_unavailable"
    assert models.requests == []


@pytest.mark.parametrize("odd", ["text", None, 7, {"type": ["x"]}, {"type": "image_url"}, {"type": "file", "file": 1}])
async def test_parts_of_other_shapes_are_left_to_the_provider(odd: Any) -> None:
    models = scripted(Reply("ok"))
    message = [{"type": "text", "text": "Look"}, odd]
    history = [{"role": "user", "content": [odd]}, {"role": "assistant", "content": "b"}]
    await Turn(agent(), message, Ports(models=models), history=history).run()
    assert models.requests[0].messages[-1]["content"] == message
