"""The web application firewall before the API, where one is wanted."""

from __future__ import annotations

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra import names
from infra.customer import Waf

#: AWS's own rules, and those of them that only count: agents are asked about code, so bodies may hold what elsewhere
#: would be an attack, files are larger than a form, and many programs send no User-Agent.
MANAGED_RULES: dict[str, tuple[str, ...]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": (
        "CrossSiteScripting_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "NoUserAgent_HEADER",
        "SizeRestrictions_BODY",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    ),
}


class Protection(Construct):
    """WAF: how often one address may call, and AWS's lists of what is known to be bad."""

    def __init__(self, scope: Construct, id: str, *, customer: str, settings: Waf, stage_arn: str) -> None:
        super().__init__(scope, id)
        rate = wafv2.CfnWebACL.RuleProperty(
            name="requests-per-address",
            priority=0,
            action=wafv2.CfnWebACL.RuleActionProperty(block={}),
            statement=wafv2.CfnWebACL.StatementProperty(
                rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                    aggregate_key_type="IP", limit=settings.requests_per_address, evaluation_window_sec=300
                )
            ),
            visibility_config=_visible("requests-per-address"),
        )
        managed = [
            _managed(name, counted, priority) for priority, (name, counted) in enumerate(MANAGED_RULES.items(), start=1)
        ]
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            name=names.stack(customer),
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[rate, *managed],
            visibility_config=_visible(names.stack(customer)),
        )
        wafv2.CfnWebACLAssociation(self, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _managed(name: str, counted: tuple[str, ...], priority: int) -> wafv2.CfnWebACL.RuleProperty:
    count = wafv2.CfnWebACL.RuleActionProperty(count={})
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in counted
                ],
            )
        ),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    # No samples: they would keep callers' keys, which travel in headers.
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
