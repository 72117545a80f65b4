from __future__ import annotations

import pytest

from infra.protection import MANAGED_RULES
from tests.infra.conftest import Stack

pytestmark = pytest.mark.xdist_group("infra")


def test_there_is_no_firewall_unless_the_customer_wants_one(demo: Stack) -> None:
    assert not demo.of("AWS::WAFv2::WebACL")


def test_the_firewall_stands_before_the_stage_and_counts_each_address(full: Stack) -> None:
    [(id, acl)] = full.of("AWS::WAFv2::WebACL").items()
    association = full.only("AWS::WAFv2::WebACLAssociation")
    assert association["WebACLArn"] == {"Fn::GetAtt": [id, "Arn"]}
    assert "/stages/" in str(association["ResourceArn"])
    assert acl["DefaultAction"] == {"Allow": {}}
    rate = acl["Rules"][0]
    assert rate["Action"] == {"Block": {}}
    assert rate["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": 100,
    }


def test_aws_s_lists_block_but_never_for_what_a_prompt_may_say(full: Stack) -> None:
    rules = full.only("AWS::WAFv2::WebACL")["Rules"][1:]
    assert [rule["Name"] for rule in rules] == list(MANAGED_RULES)
    assert len({rule["Priority"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["OverrideAction"] == {"None": {}}
        overrides = rule["Statement"]["ManagedRuleGroupStatement"].get("RuleActionOverrides", [])
        assert all(override["ActionToUse"] == {"Count": {}} for override in overrides)
    counted = {name for names in MANAGED_RULES.values() for name in names}
    assert {"CrossSiteScripting_BODY", "SizeRestrictions_BODY", "Log4JRCE_BODY"} <= counted
    assert all(name.endswith("_BODY") or name == "NoUserAgent_HEADER" for name in counted)


def test_no_sample_of_a_request_is_kept(full: Stack) -> None:
    acl = full.only("AWS::WAFv2::WebACL")
    for one in (acl, *acl["Rules"]):
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False
