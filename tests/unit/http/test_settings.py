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
