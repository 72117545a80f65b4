"""Problems as OpenAI's clients read them, from the functions, the front and the gateway."""

from __future__ import annotations

import json

import pytest

from infra.gateway_responses import GATEWAY_RESPONSES
from smyth.http.openai.errors import error_of, error_response, refused, unknown_model
from smyth.http.problems import Problem, to_problem
from smyth.platform.errors import Busy, Conflict, Forbidden, PaymentRequired, QuotaExceeded


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (Problem(401, "unauthorized", "No."), 401, "authentication_error", "invalid_api_key"),
        (Forbidden("No."), 403, "permission_error", "forbidden"),
        (unknown_model("x"), 404, "invalid_request_error", "model_not_found"),
        (Conflict("No."), 409, "invalid_request_error", "conflict"),
        (Problem(413, "too_large", "No."), 413, "invalid_request_error", "too_large"),
        (Problem(422, "unknown_model", "No."), 400, "invalid_request_error", "unknown_model"),
        (Problem(424, "model_credentials", "No."), 400, "invalid_request_error", "model_credentials"),
        (QuotaExceeded("No.", retry_after_s=9), 429, "insufficient_quota", "insufficient_quota"),
        (PaymentRequired("No."), 429, "insufficient_quota", "insufficient_quota"),
        (Problem(429, "throttled", "No."), 429, "requests", "rate_limit_exceeded"),
        (RuntimeError("secret"), 500, "server_error", "internal"),
        (Problem(502, "model_failed", "No."), 502, "server_error", "model_failed"),
        (Busy("No.", retry_after_s=1), 503, "server_error", "busy"),
    ],
)
def test_every_problem_has_the_status_and_words_of_openai(error: Exception, status: int, kind: str, code: str) -> None:
    answer = error_response(to_problem(error), instance="/v1/models", request_id="1")
    told = json.loads(bytes(answer.body))["error"]
    assert (answer.status_code, told["type"], told["code"]) == (status, kind, code)
    assert "secret" not in told["message"]
    assert answer.media_type == "application/json"


def test_retries_are_timed_and_useless_ones_discouraged() -> None:
    quota = error_response(to_problem(QuotaExceeded("No.", retry_after_s=9)), instance="/", request_id="1")
    assert (quota.headers["retry-after"], quota.headers["x-should-retry"]) == ("9", "false")
    throttled = Problem(429, "throttled", "No.", headers={"retry-after": "1"})
    assert "x-should-retry" not in error_response(throttled, instance="/", request_id="1").headers


def test_faults_are_named_by_their_place() -> None:
    assert error_of(refused("messages.0.content.12", "No."))["param"] == "messages[0].content[12]"
    faults = [{"in": "body", "field": f"tools.{at}.type", "message": "wrong"} for at in range(5)]
    told = error_of(Problem(422, "invalid", "see errors", faults))
    assert told["param"] == "tools[0].type"
    assert told["message"].endswith("tools[2].type: wrong (and 2 more).")


def test_the_case_of_a_full_window_is_told_in_the_words_that_clients_know() -> None:
    told = error_of(Problem(422, "message_too_long", "Shorten it."))
    assert told["code"] == "context_length_exceeded"
    assert told["message"].startswith("This model's maximum context length is exceeded.")


@pytest.mark.parametrize("kind", GATEWAY_RESPONSES)
def test_the_gateways_own_answers_say_the_same(kind: str) -> None:
    response = GATEWAY_RESPONSES[kind]
    told = json.loads(response.templates()["application/json"])["error"]
    assert told["message"] == response.detail
    if response.status:
        ours = error_of(Problem(response.status, response.code, response.detail))
        assert told == ours
