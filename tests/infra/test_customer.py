from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from infra import app
from infra.customer import SCHEMA, CustomerError, load, names, schema
from infra.paths import CUSTOMERS
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
        ("domain: {name: agents}", "domain.name: String should match pattern"),
        ("domain: {name: a.example.com}", "domain.certificate_arn: Field required"),
        ("waf: {requests_per_address: 1}", "waf.requests_per_address: Input should be greater than or equal to 10"),
        ("alarms: {budget_usd: 5}", "alarms.email: Field required"),
        ("alarms: {email: nobody}", "alarms.email: String should match pattern"),
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


def test_the_editors_schema_is_the_one_of_the_model() -> None:
    assert SCHEMA.read_text() == schema(), "run `python -m infra.customer schema`"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema()))


def test_editors_check_every_customer_s_file() -> None:
    for name in names():
        path = CUSTOMERS / f"{name}.yaml"
        assert path.read_text().splitlines()[0] == "# yaml-language-server: $schema=schema.json"
        jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(schema()))


def test_editors_refuse_what_the_model_refuses_and_tell_what_a_setting_is() -> None:
    said = json.loads(schema())
    for wrong in ({"regoin": "x"}, {"reserved_concurrency": {"promt_agent": 1}}, {"waf": {"requests_per_address": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, said)
    assert all("description" in setting or "$ref" in setting for setting in said["properties"].values())


def test_several_customers_are_synthesised_at_once_and_the_time_of_each_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("acme", "bolt", "cold"):
        (tmp_path / f"{name}.yaml").write_text("layer: source\nsnap_start: false\npublished: false")
    out = tmp_path / "out"
    assert app.main(["--customer", "all", "--folder", str(tmp_path), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "3 customers in" in told
    assert "a further one takes" in told
    templates = [(out / f"smyth-{name}.template.json").read_text() for name in ("acme", "bolt", "cold")]
    assert all(f"smyth-{name}" in text for name, text in zip(("acme", "bolt", "cold"), templates, strict=True))
    assert "smyth-bolt" not in templates[0]
