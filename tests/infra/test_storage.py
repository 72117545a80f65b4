from __future__ import annotations

import pytest

from infra.storage import EXPIRES_DAYS, EXPIRES_TAG
from smyth.aws import storage
from tests.infra.conftest import Stack

pytestmark = pytest.mark.xdist_group("infra")


def test_the_bucket_deletes_what_agents_tag_and_nothing_else(demo: Stack) -> None:
    assert (EXPIRES_TAG, EXPIRES_DAYS) == (storage.EXPIRES_TAG, storage.EXPIRES_DAYS)
    [bucket] = [one["Properties"] for one in demo.resources.values() if one["Type"] == "AWS::S3::Bucket"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    expiring = {
        rule["ExpirationInDays"]: rule["TagFilters"]
        for rule in rules
        if rule["Status"] == "Enabled" and "ExpirationInDays" in rule
    }
    assert expiring == {days: [{"Key": "expires-days", "Value": str(days)}] for days in (1, 3, 7, 14, 30, 91, 181, 366)}
