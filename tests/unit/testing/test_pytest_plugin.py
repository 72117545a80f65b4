"""The fixture as users' own tests find it."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "smyth.testing.pytest_plugin"
TESTS = """
import json, urllib.request
from smyth.testing import Say

def ask(server):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "reply: as told"}]}).encode()
    request = urllib.request.Request(server.base_url + "/chat/completions", body)
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]

def test_follows_a_script(model_server):
    model_server.script.append(Say("from the script"))
    assert ask(model_server) == "from the script"

def test_is_fresh(model_server):
    assert model_server.requests == []
    assert ask(model_server) == "as told"
"""


def test_users_tests_are_given_a_fresh_server_each(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)


def test_the_package_offers_the_plugin_to_pytest() -> None:
    assert PLUGIN in {entry.value for entry in entry_points(group="pytest11")}
