"""``smyth prompt`` and ``smyth chat`` with the agent of a file, whose model is a real server on this machine."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smyth.testing import Call, Fail, Hang, ModelServer, Say
from tests.unit.cli.conftest import PROJECT, Smyth

pytestmark = pytest.mark.xdist_group("litellm")

ECHO = PROJECT / "examples/echo-chat.smyth"
GREET = Call("greet", '{"name": "Ada"}')


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, smyth: Smyth) -> Iterator[ModelServer]:
    """A provider whose model is called "local"."""
    with ModelServer() as server:
        monkeypatch.setenv("SMYTH_MODELS", settings(server))
        yield server


def settings(server: ModelServer) -> str:
    return json.dumps({"local": {"provider": "OpenAI", "model": "m", "base_url": server.base_url}})


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))


def test_the_answer_alone_goes_to_stdout(smyth: Smyth, provider: ModelServer) -> None:
    provider.script += [Say("Let me see. ", calls=(GREET,), thinking="A greeting is due."), Say("Done.")]
    ran = smyth("prompt", ECHO, "Greet Ada", "--model", "local")
    assert (ran.code, ran.out) == (0, "Let me see. Done.\n")
    told = ran.err.splitlines()
    assert told[0] == "A greeting is due."
    assert told[1].startswith('→ greet {"name": "Ada"}')
    assert told[2].startswith("← greet {")
    assert "Good day, Ada!" in told[2]


def test_json_is_one_object_and_nothing_else(smyth: Smyth, provider: ModelServer) -> None:
    provider.script += [Say(calls=(GREET,)), Say("Done.")]
    ran = smyth("prompt", ECHO, "Greet Ada", "--model", "local", "--json")
    assert ran.err == ""
    answer = ran.json()
    assert (answer["output"], answer["model"], answer["finish_reason"]) == ("Done.", "local", "stop")
    [call] = answer["tool_calls"]
    assert (call["name"], call["arguments"]) == ("greet", {"name": "Ada"})
    assert "Good day, Ada!" in json.dumps(call["result"])


def test_files_go_with_the_message(smyth: Smyth, provider: ModelServer, tmp_path: Path) -> None:
    provider.script += [Say("Red.")]
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    agent = tmp_path / "looks.smyth"
    agent.write_text(json.dumps({"name": "Looks", "components": [], "connections": []}))
    assert smyth("prompt", agent, "Colour?", "--file", "dot.png", "--model", "local").out == "Red.\n"
    shown = provider.requests[0]["messages"][-1]["content"]
    assert shown[1]["image_url"]["url"].startswith("data:image/png;base64,")
    gone = smyth("prompt", agent, "Colour?", "--file", "gone.png", "--model", "local")
    assert (gone.code, gone.out) == (1, "")
    assert "gone.png cannot be read" in gone.err


def test_a_provider_that_fails_is_one_line(smyth: Smyth, provider: ModelServer) -> None:
    provider.script += [Fail(401, "no such key")]
    ran = smyth("prompt", ECHO, "Hi", "--model", "local")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "no such key" in ran.err


def test_chat_remembers_until_it_is_told_to_forget(
    smyth: Smyth, provider: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script += [Say("a"), Say("b"), Say("c")]
    typed(monkeypatch, "one", "two", "/reset", "three", "/exit", "four")
    ran = smyth("chat", ECHO, "--model", "local")
    assert (ran.code, ran.out) == (0, "a\nb\nc\n")
    spoken = [
        [message["content"] for message in request["messages"] if message["role"] != "system"]
        for request in provider.requests
    ]
    assert spoken == [["one"], ["one", "a", "two"], ["three"]]


def test_chat_changes_its_model(smyth: Smyth, provider: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.script += [Say("from afar")]
    typed(monkeypatch, "/model", "one", "/model", "/model local", "two", "/help", "/nonsense")
    ran = smyth("chat", ECHO)
    assert ran.out == "one\nfrom afar\n"
    told = [line for line in ran.err.splitlines() if "model is" in line]
    assert told == ["The model is the agent's own.", "The model is Echo.", "The model is local."]
    assert "/reset" in ran.err
    assert "no command /nonsense" in ran.err


def test_options_that_go_with_servers_only_are_wrong_usage(smyth: Smyth) -> None:
    ran = smyth("chat", ECHO, "Hi", "--conversation", "c1")
    assert (ran.code, ran.out) == (2, "")
    assert "on a server" in ran.err


def started(*arguments: str, models: str = "", **streams: Any) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    environment = {**os.environ, "SMYTH_MODELS": models}
    command = [sys.executable, "-c", "from smyth.cli.main import main; main()", *arguments]
    return subprocess.Popen(command, env=environment, **streams)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: a person's, and a command's."""
    person, command = pty.openpty()
    yield person, command
    os.close(command)
    os.close(person)


def test_what_a_model_says_cannot_command_the_terminal(terminal: tuple[int, int]) -> None:
    person, screen = terminal
    assert started("prompt", str(ECHO), "\x1b[2Jhello\tthere", stdout=screen).wait(60) == 0
    assert os.read(person, 1000).decode() == "[2Jhello\tthere\r\n"


def test_while_somebody_types_a_failure_does_not_end_the_chat(terminal: tuple[int, int]) -> None:
    person, keyboard = terminal
    pipes = {"stdin": keyboard, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started("chat", str(ECHO), "--model", "nobody", **pipes) as ran:
        os.write(person, b"one\n/model Echo\ntwo\n/exit\n")
        out, err = ran.communicate(timeout=60)
    assert (ran.returncode, out) == (0, b"> > > two\n> ")
    assert b"nobody" in err


def test_ctrl_c_stops_the_model() -> None:
    with (
        ModelServer(Hang("Once upon")) as server,
        started(
            *("prompt", str(ECHO), "Hi", "--model", "local"), models=settings(server), stdout=subprocess.PIPE
        ) as talking,
    ):
        guard = threading.Timer(60, talking.kill)  # A command that hangs would hang the test, too.
        guard.start()
        assert talking.stdout is not None
        assert talking.stdout.read(len("Once upon")) == b"Once upon"
        talking.send_signal(signal.SIGINT)
        assert talking.wait() == 130
        guard.cancel()
        assert server.client_left.wait(10)
