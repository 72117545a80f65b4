"""The environment of a function."""

from __future__ import annotations

import pytest

from smyth.http.settings import Settings, SettingsError

WHOLE = {"TABLE_NAME": "t", "BUCKET_NAME": "b"}


def test_what_the_stack_leaves_out_has_safe_defaults() -> None:
    read = Settings.from_env(WHOLE | {"SMYTH_PLANS": "", "USAGE_PLAN_IDS": ""})
    assert (read.table_name, read.bucket_name, read.plans, read.usage_plan_ids) == ("t", "b", {}, {})
    assert not read.trust_request_context
    assert not read.allow_private_http
    assert read.allowed_http == ()


def test_allowed_hosts_and_networks_stand_apart_by_blanks_or_commas() -> None:
    assert Settings.from_env(WHOLE | {"SMYTH_ALLOWED_HTTP": " db.internal,10.1.0.0/16  x"}).allowed_http == (
        "db.internal",
        "10.1.0.0/16",
        "x",
    )


@pytest.mark.parametrize("missing", WHOLE)
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        Settings.from_env({name: value for name, value in WHOLE.items() if name != missing})


@pytest.mark.parametrize("text", ["{", "[]", "1"])
def test_a_variable_that_is_no_json_object_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="SMYTH_PLANS"):
        Settings.from_env(WHOLE | {"SMYTH_PLANS": text})


def test_what_a_run_may_cost_is_an_amount_and_an_addresss_requests_a_number() -> None:
    read = Settings.from_env(WHOLE | {"SMYTH_RUN_ALLOWANCE": "1.5", "SMYTH_IP_REQUESTS_PER_MINUTE": "60"})
    assert (read.run_allowance, read.ip_requests_per_minute) == (1_500_000, 60)
    assert (Settings.from_env(WHOLE).run_allowance, Settings.from_env(WHOLE).ip_requests_per_minute) == (250_000, None)


@pytest.mark.parametrize("name", ["SMYTH_RUN_ALLOWANCE", "SMYTH_IP_REQUESTS_PER_MINUTE"])
@pytest.mark.parametrize("text", ["-1", "much", "1e3"])
def test_a_variable_that_is_no_number_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(WHOLE | {name: text})
