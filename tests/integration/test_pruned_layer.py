"""Every function and every kind of provider works with nothing but the layers to import from.

The layers are those that are deployed, for this machine's processor. They run under the functions' Python where this
machine has one; elsewhere the same recipes are followed for the Python that runs the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.layers import bytecode
from infra.layers.build import content
from infra.layers.package import stage_package
from infra.layers.target import PYTHON_VERSION, Target, here, running
from infra.paths import FUNCTIONS as SOURCES
from smyth.platform.routes import FUNCTIONS
from smyth.testing import Call, ModelServer, Say
from smyth.testing.embeddings import embedding
from tests.integration.emulator import point_here
from tests.integration.sample_events import provided, sample
from tests.peers.bedrock import Bedrock, frame
from tests.peers.google import Google

pytestmark = pytest.mark.xdist_group("layers")

_CHILD = Path(__file__).with_name("on_layers.py")
_SECONDS = 120
#: How the child's lines begin; functions log to the same output.
_ANSWERS = ('{"name"', '{"strangers"')
SETS = sorted({function.layers for function in FUNCTIONS})
TOOL = {"type": "function", "function": {"name": "f", "description": "F", "parameters": {"type": "object"}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"messages": [{"role": "user", "content": "Hi"}]},
    "tools": {"messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]},
    "image": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, PICTURE]}]},
}
CALL_OF_BEDROCK = [
    frame("messageStart", {"role": "assistant"}),
    frame("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
    frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"a":1}'}}}),
    frame("contentBlockStop", {"contentBlockIndex": 0}),
    frame("messageStop", {"stopReason": "tool_use"}),
]


@pytest.fixture(scope="module")
def target() -> Target:
    """The functions' Python where it is there, else ours."""
    return here(PYTHON_VERSION if bytecode.python(PYTHON_VERSION) else running())


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage_package(tmp_path_factory.mktemp("package") / "layer", compiled=True) / "python"


class Child:
    """Runs jobs where only layers can be imported."""

    def __init__(self, target: Target, package: Path, folder: Path, cloud: str) -> None:
        self._target, self._package, self._folder, self._cloud = target, package, folder, cloud

    def run(self, layers: tuple[str, ...], **job: Any) -> dict[str, Any]:
        """Return the answers by name; fails where anything came from elsewhere."""
        folders = [str(self._package), *(str(content(name, self._target) / "python") for name in layers)]
        said = self._folder / "job.json"
        said.write_text(json.dumps({"folders": folders, "functions": str(SOURCES), **job}))
        python = bytecode.python(self._target.python)
        assert python
        done = subprocess.run(
            [python, "-S", "-I", str(_CHILD), str(said)],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LITELLM_LOCAL_MODEL_COST_MAP": "True", **point_here(self._cloud)},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        *answers, end = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(_ANSWERS)]
        assert end["strangers"] == {}
        self.imported = end["imported"]
        return {one["name"]: one["answer"] for one in answers}


@pytest.fixture
def child(target: Target, package: Path, tmp_path: Path, cloud: str) -> Child:
    return Child(target, package, tmp_path, cloud)


@pytest.mark.parametrize("layers", SETS, ids="+".join)
def test_every_function_answers_its_sample_event(layers: tuple[str, ...], child: Child) -> None:
    ids = provided()
    # Who deletes comes last: all are called about the same agent.
    names = sorted((one.name for one in FUNCTIONS if one.layers == layers), key=lambda name: name.startswith("delete"))
    events = {name: sample(name, ids) for name in names}
    answers = child.run(layers, events=events)
    assert answers.keys() == events.keys()
    for function, answer in answers.items():
        assert not (isinstance(answer, dict) and answer.get("error")), (function, answer)
        if function == "authorizer":
            assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        elif "httpMethod" in events[function]:
            assert 200 <= answer["statusCode"] < 400, (function, answer)
    assert "litellm" not in child.imported


def test_providers_over_openais_and_anthropics_clients(child: Child) -> None:
    entries: dict[str, dict[str, Any]] = {
        "openai": {"provider": "OpenAI", "model": "gpt-4o"},
        "openai responses": {"provider": "OpenAI", "model": "gpt-4o", "interface": "responses"},
        "groq": {"provider": "Groq", "model": "llama"},
        "anthropic": {"provider": "Anthropic", "model": "scripted-claude"},
    }
    said, calls = Say("Hello there"), Say(calls=(Call("f", '{"a": 1}', id="call_1"),))
    with ModelServer() as server:
        asked = {}
        for name, entry in entries.items():
            # Each shape is asked twice: for the stream, and for the whole.
            server.script.extend([said, said, calls, calls, said, said])
            base = server.base_url.removesuffix("/v1") if name == "anthropic" else server.base_url
            common = {"entry": entry | {"base_url": base}, "environment": {}, "secrets": {}}
            asked |= {f"{name} {shape}": common | SHAPES[shape] for shape in ("plain", "tools", "image")}
        answers = child.run(("runtime", "vectors"), models=asked)
        for name in entries:
            for shape in ("plain", "image"):
                answer = answers[f"{name} {shape}"]
                assert (answer["text"], "".join(answer["pieces"])) == ("Hello there", "Hello there")
                assert len(answer["pieces"]) > 1
            assert [(tool, json.loads(given)) for tool, given in answers[f"{name} tools"]["calls"]] == [("f", {"a": 1})]
        assert all("image" in json.dumps(request) for request in server.requests[4::6] + server.requests[5::6])
    assert "litellm" not in child.imported


def test_bedrock_gemini_and_embeddings_through_litellm(child: Child) -> None:
    haiku = "anthropic.claude-3-haiku-20240307-v1:0"
    settings = {"region": "us-east-1", "keyIDName": "id", "secretKeyName": "secret", "sessionKeyName": "session"}
    texts = ["one text", "another"]
    with Bedrock() as bedrock, Bedrock() as calling, Bedrock() as refusing, Google() as google, ModelServer() as server:
        calling.frames = CALL_OF_BEDROCK
        refusing.status = 403
        on_bedrock = {
            "entry": {
                "provider": "Bedrock",
                "model": haiku,
                "settings": settings,
                "input_price": 1,
                "output_price": 10,
            },
            "environment": {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.url},
            "secrets": {"id": "AKIAIOSFODNN7EXAMPLE", "secret": "s", "session": "t"},
        }
        on_google = {
            "entry": {"provider": "GoogleAI", "model": "gemini-2.5-flash"},
            "environment": {"GOOGLE_AI_BASE_URL": google.url},
            "secrets": {"googleai": "a-key"},
        }
        asked = {f"bedrock {name}": on_bedrock | shape for name, shape in SHAPES.items()}
        for name, server_of_it in (("calls", calling), ("refuses", refusing)):
            there = {"environment": {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server_of_it.url}}
            asked |= {f"bedrock {name}": on_bedrock | there | SHAPES["tools"]}
        asked |= {f"gemini {name}": on_google | shape for name, shape in SHAPES.items()}
        embedder = {"provider": "OpenAI", "model": "text-embedding-3-small", "base_url": server.base_url}
        answers = child.run(
            ("runtime", "vectors"), models=asked, embeddings={"embedded": {"entry": embedder, "texts": texts}}
        )
        assert "Bedrock refused the key" in answers.pop("bedrock refuses")["error"]
        assert answers.pop("embedded") == [pytest.approx(embedding(text)) for text in texts]
        assert answers.pop("bedrock calls")["calls"] == [["f", '{"a":1}']]
        for answer in answers.values():
            assert (answer["text"], "".join(answer["pieces"])) == ("Hello there", "Hello there")
            assert answer["cost"] > 0
        assert bedrock.asked[2].json["toolConfig"]["tools"][0]["toolSpec"]["name"] == "f"
        assert bedrock.asked[4].json["messages"][0]["content"][1]["image"]["format"] == "png"
        assert google.asked[2].json["tools"][0]["function_declarations"][0]["name"] == "f"
        assert google.asked[4].json["contents"][0]["parts"][1]["inline_data"]["mime_type"] == "image/png"
    assert "litellm" in child.imported


def test_a_streamed_function_starts_as_the_adapter_starts_it(target: Target, package: Path, cloud: str) -> None:
    folders = [package, *(content(name, target) / "python" for name in ("runtime", "vectors"))]
    python = bytecode.python(target.python)
    assert python
    server = subprocess.Popen(
        [python, "-S", "-B", "-m", "uvicorn", "handler:app", "--app-dir", "stream_agent", "--port", "0"],
        cwd=SOURCES,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(map(str, folders)), **point_here(cloud)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr
        told = []
        for line in server.stderr:
            told.append(line)
            if "Uvicorn running on" in line:
                return
        raise AssertionError("".join(told))
    finally:
        server.kill()
        server.communicate()
