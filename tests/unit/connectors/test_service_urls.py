from __future__ import annotations

from smyth.connectors.service_urls import ServiceUrls


def test_services_are_at_their_own_addresses() -> None:
    assert ServiceUrls.from_env({}) == ServiceUrls()
    assert all(getattr(ServiceUrls(), name).startswith("https://") for name in ServiceUrls.__slots__)


def test_the_environment_names_other_addresses() -> None:
    urls = ServiceUrls.from_env({"SMYTH_TAVILY_URL": "http://127.0.0.1:9/tavily/", "SMYTH_ZAPIER_URL": ""})
    assert urls == ServiceUrls(tavily="http://127.0.0.1:9/tavily")
