"""What holds for every sandbox: that of this process, and the function that is invoked over Lambda's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.run_code import handler as run_code
from smyth.aws import clients
from smyth.aws.code import LambdaCode
from smyth.connectors.code.port import CodeLimits, CodeResult, CodeSandbox, SandboxError
from smyth.connectors.code.quickjs import QuickJsSandbox
from smyth.http.services import Services
from smyth.http.settings import Settings
from smyth.values import UNDEFINED
from tests.peers.lambda_api import LambdaApi

LIMITS = CodeLimits(cpu_s=0.3, output_bytes=10_000)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaApi]:
    """Lambda, with our function behind it."""
    with LambdaApi("smyth-test-run_code", run_code.handler) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        clients.client.cache_clear()
        yield api
        clients.client.cache_clear()


@pytest.fixture(params=["child process", "function"])
def any_sandbox(request: pytest.FixtureRequest) -> Iterator[CodeSandbox]:
    if request.param == "function":
        request.getfixturevalue("aws")
        yield LambdaCode("smyth-test-run_code", LIMITS)
    else:
        made = QuickJsSandbox(LIMITS)
        yield made
        made.close()


@pytest.mark.parametrize("value", [None, 1.5, 'it\'s "ä" \u2028 😀', [1, {"a": []}], {"k": None}, "\ud800"])
async def test_values_pass_unchanged(any_sandbox: CodeSandbox, value: Any) -> None:
    result = await any_sandbox.run("async function main(a) { return { a }; }", {"a": value, "unset": UNDEFINED})
    assert result == CodeResult(output={"a": value})


async def test_nothing_returned_is_undefined_and_null_is_null(any_sandbox: CodeSandbox) -> None:
    assert (await any_sandbox.run("async function main() {}", {})).output is UNDEFINED
    assert (await any_sandbox.run("async function main() { return null; }", {})).output is None


async def test_log_and_error_come_back_together(any_sandbox: CodeSandbox) -> None:
    source = "async function main() { console.log('\\ud800 before'); throw new RangeError('x'); }"
    result = await any_sandbox.run(source, {})
    assert result == CodeResult(logs=("\ufffd before",), error="RangeError: x (line 1)")


async def test_the_environment_is_there_only_when_given(any_sandbox: CodeSandbox) -> None:
    source = "async function main() { return typeof process === 'undefined' ? null : process.env; }"
    assert (await any_sandbox.run(source, {})).output is None
    assert (await any_sandbox.run(source, {}, environment={})).output == {}
    assert (await any_sandbox.run(source, {}, environment={"A": "b"})).output == {"A": "b"}


async def test_the_limits_hold(any_sandbox: CodeSandbox) -> None:
    assert "0.3 s of CPU" in (await any_sandbox.run("async function main() { for (;;); }", {})).error
    assert "10,000 bytes" in (await any_sandbox.run("async function main() { return 'x'.repeat(10000); }", {})).error
    assert "Pass smaller values" in (await any_sandbox.run("async function main() {}", {"a": "x" * 5_000_000})).error


async def test_a_function_that_is_not_there_is_told(aws: LambdaApi) -> None:
    with pytest.raises(SandboxError, match="ResourceNotFoundException"):
        await LambdaCode("another").run("async function main() {}", {})


async def test_a_function_that_fails_is_told_without_its_words(aws: LambdaApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_code.CodeCall, "model_validate", lambda event: 1 / 0)
    with pytest.raises(SandboxError, match="The code sandbox failed; its log"):
        await LambdaCode("smyth-test-run_code").run("async function main() {}", {})


async def test_the_function_writes_neither_code_nor_values_to_its_log(
    aws: LambdaApi, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "async function main(a) { console.log(a + process.env.K); return a; }"
    result = await LambdaCode("smyth-test-run_code").run(source, {"a": "private"}, environment={"K": "hush"})
    assert result == CodeResult(output="private", logs=("privatehush",))
    written = capsys.readouterr()
    assert "private" not in written.out + written.err
    assert "hush" not in written.out + written.err


async def test_lambda_is_told_whose_code_it_is_where_tenants_are_isolated(aws: LambdaApi) -> None:
    for per_tenant, told in ((False, None), (True, "ten-a")):
        settings = Settings(
            table_name="t", bucket_name="b", code_function="smyth-test-run_code", code_per_tenant=per_tenant
        )
        sandbox = Services(settings).ports("ten-a").code
        assert sandbox is not None
        assert (await sandbox.run("async function main() { return 1; }", {})).output == 1
        assert aws.tenants.pop() == told


@pytest.mark.parametrize("limits", [{"memory_mb": 4096}, {"wall_s": 60}, {"cpu_s": 0}, {"unknown": 1}])
def test_the_function_takes_no_limits_beyond_its_own(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        run_code.handler({"source": "", "inputs": {}, "limits": limits}, None)
