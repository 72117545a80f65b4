from __future__ import annotations

from pathlib import Path

import pytest

from infra import app
from infra.customer import CustomerError, load, names
from smyth.platform.plans import RunLimits


def test_the_customers_of_the_project_can_be_loaded() -> None:
    assert {"demo", "laptop"} <= set(names())
    for name in names():
        assert load(name).name == name


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("regoin: eu-west-1", "regoin: Extra inputs are not permitted"),
        ("region: mars", "region: String should match pattern"),
        ("account: 42", "account: Input should be a valid string"),
        ("log_retention_days: 2", "log_retention_days: Input should be 1, 3, 5"),
        ("name: other", "name is 'other' but the file is called acme.yaml"),
        ("plans: {basic: {throttle: {rates: 1}}}", "plan 'basic': throttle.rates: Extra inputs"),
        ("plans: {gold: {price_per_month: 1}}", "plan 'gold': throttle.rate: Field required"),
        ("plans: {basic: {run_limits: {components: 0}}}", "plan 'basic': run_limits.components: Input should be gr"),
        ("run_limits: {second: 5}", "run_limits.second: Extra inputs are not permitted"),
        ("run_limits: {seconds: 901}", "run_limits.seconds: Input should be less than or equal to 900"),
        ("reserved_concurrency: {promt_agent: 1}", "there is no function 'promt_agent'; known: create_agent"),
        ("allowed_http: ['10.0.0.0/33']", "'10.0.0.0/33' is no host name and no network"),
        ("data: {keep: maybe}", "data.keep: Input should be a valid boolean"),
        ("- a list", "must hold settings"),
        ("[", "is not YAML"),
        ("", "must hold settings"),
    ],
)
def test_a_wrong_file_is_told_by_place_and_reason(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "acme.yaml").write_text(content)
    with pytest.raises(CustomerError) as error:
        load("acme", tmp_path)
    assert told in str(error.value)
    assert "acme.yaml" in str(error.value)


def test_a_stack_says_what_a_run_may_use_up_and_plans_tighten_it(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        "run_limits: {components: 5000, expand_caller_data: false}\nplans: {basic: {run_limits: {components: 100}}}"
    )
    acme = load("acme", tmp_path)
    assert acme.run_limits == RunLimits(components=5000, expand_caller_data=False)
    assert acme.price_list()["basic"].run_limits == RunLimits(components=100)


def test_a_missing_file_is_told_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("region: eu-west-1")
    with pytest.raises(CustomerError, match=r"There is no customer 'other'\. Known: acme\."):
        load("other", tmp_path)


@pytest.mark.parametrize("name", ["../demo", "Demo", "a", "demo/", "", "x" * 21, "-demo", "demo-"])
def test_a_name_that_cannot_be_in_a_resource_s_name_is_refused(name: str) -> None:
    with pytest.raises(CustomerError, match="is no customer's name"):
        load(name)


def test_the_command_tells_errors_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--customer", "nobody"]) == 1
    assert capsys.readouterr().err.startswith("error: There is no customer 'nobody'. Known: demo, laptop.")
