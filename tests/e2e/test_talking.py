"""``smyth prompt`` and ``smyth chat`` with an agent of the laptop cloud."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from tests.e2e.laptop import EXAMPLES, Dev

CALL = 'call: fingerprint {"text": "Hello World"}'


def agent(dev: Dev) -> str:
    """The id of an agent with skills."""
    with dev.client() as http:
        made = http.post("/api/agents/import", json=json.loads((EXAMPLES / "assistant.smyth").read_text()))
        return str(made.json()["id"])


def smyth(dev: Dev, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a tenant of the cloud."""
    command = [sys.executable, "-c", "from smyth.cli.main import main; main()", *arguments]
    environment = {**os.environ, "SMYTH_URL": dev.url, "SMYTH_KEY": dev.tenant_key}
    return subprocess.run(command, input=typed, capture_output=True, text=True, env=environment, check=False)


def test_a_prompt_shows_the_answer_and_the_tools(dev: Dev) -> None:
    ran = smyth(dev, "prompt", agent(dev), CALL, "--model", "scripted")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("TOOL SAID: ")
    assert re.search(r"^→ fingerprint \{.*Hello World", ran.stderr, re.MULTILINE)
    assert re.search(r"^← fingerprint ", ran.stderr, re.MULTILINE)


def test_a_chat_is_gone_on_with_and_forgotten(dev: Dev) -> None:
    identity = agent(dev)
    ran = smyth(dev, "chat", identity, "one", "--model", "scripted")
    [conversation] = re.findall(r"--conversation (\S+)\)", ran.stderr)
    typed = "show: messages\n/reset\nshow: messages\n/exit\n"
    again = smyth(dev, "chat", identity, "--conversation", conversation, "--model", "scripted", typed=typed)
    assert again.returncode == 0, again.stderr
    remembered, forgotten = again.stdout.split("\n[", 1)
    assert "one" in remembered
    assert "one" not in forgotten


def test_a_provider_that_breaks_off_is_one_line_and_one(dev: Dev) -> None:
    ran = smyth(dev, "prompt", agent(dev), "cut: half an ans", "--model", "scripted")
    assert (ran.returncode, ran.stdout) == (1, "half an ans")
    assert ran.stderr.splitlines()[-1].startswith("smyth: ")
