"""A stack that is deployed on the emulator, as a test calls it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

from smyth.aws.clients import client
from smyth.local.deploy import Deployed


@dataclass(frozen=True)
class Cloud:
    """A deployed stack."""

    url: str
    deployed: Deployed

    def aws(self, service: str) -> Any:
        return client(service, self.url)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        files: Any = None,
        content: bytes | None = None,
        **headers: str,
    ) -> httpx.Response:
        url = f"{self.url}/_aws/execute-api/{self.deployed.api_id}/{self.deployed.stage}{path}"
        with httpx.Client(timeout=60, trust_env=False) as http:
            return http.request(method, url, headers=headers, json=json, files=files, content=content)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Call a function as an event would, and return what it says."""
        answer = self.aws("lambda").invoke(FunctionName=self.deployed.functions[function], Payload=json.dumps(event))
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def plan(self, name: str) -> dict[str, Any]:
        plans = self.aws("apigateway").get_usage_plans(limit=500)["items"]
        [found] = [plan for plan in plans if plan["name"] == f"smyth-laptop-{name}"]
        return found

    def key_in(self, plan: str) -> str:
        """Make a key of the gateway that belongs to a plan."""
        gateway = self.aws("apigateway")
        made = gateway.create_api_key(name=f"of-{plan}", value=f"{plan}-{time.time_ns()}-{'x' * 20}", enabled=True)
        gateway.create_usage_plan_key(usagePlanId=self.plan(plan)["id"], keyId=made["id"], keyType="API_KEY")
        return made["value"]

    def faults(self, function: str) -> str:
        """What was logged as errors where a function, and perhaps others, log."""
        return "\n".join(line for line in self._logged(function) if '"ERROR"' in line)

    def calls(self, function: str) -> int:
        """How many calls the log tells of in which a function, and perhaps others, log."""
        return sum(line.startswith("START") for line in self._logged(function))

    def _logged(self, function: str) -> list[str]:
        found = self.aws("lambda").get_function_configuration(FunctionName=self.deployed.functions[function])
        events = self.aws("logs").filter_log_events(logGroupName=found["LoggingConfig"]["LogGroup"])["events"]
        return [event["message"] for event in events]
