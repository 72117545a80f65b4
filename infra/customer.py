"""What may differ between customers, read from ``infra/customers/<name>.yaml``."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from infra.paths import CUSTOMERS
from smyth.platform.plans import Plan, RunLimits, load_plans
from smyth.platform.routes import FUNCTIONS


def _known_function(name: str) -> str:
    known = [function.name for function in FUNCTIONS]
    if name not in known:
        raise ValueError(f"there is no function '{name}'; known: {', '.join(known)}")
    return name


def _host_or_network(entry: str) -> str:
    try:
        ipaddress.ip_network(entry)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", entry):
            raise ValueError(
                f"'{entry}' is no host name and no network; write 'db.internal' or '10.1.0.0/16'"
            ) from None
    return entry


#: The retention times that CloudWatch Logs knows, in days.
Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]

FunctionName = Annotated[str, AfterValidator(_known_function)]
HostOrNetwork = Annotated[str, AfterValidator(_host_or_network)]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")


class CustomerError(ValueError):
    """A customer's file is missing or wrong; the message says where and what to do."""


class Data(BaseModel):
    """What becomes of table and bucket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Table and bucket survive the deletion of the stack, and the table refuses to be deleted.
    keep: bool = True
    point_in_time_recovery: bool = True


class StageThrottle(BaseModel):
    """The limit of the whole stage, over all tenants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: int = Field(default=500, gt=0)
    burst: int = Field(default=1000, gt=0)


class Customer(BaseModel):
    """One stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=rf"^{_NAME.pattern}$")
    #: None: the account of whoever deploys.
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    region: str = Field(default="us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    architecture: Literal["arm64", "x86_64"] = "arm64"
    #: AUTHORIZER: the authorizer names the tenant's usage identifier. HEADER: the caller (the laptop's front) does.
    api_key_source: Literal["AUTHORIZER", "HEADER"] = "AUTHORIZER"
    #: adapter: streams leave through the Lambda Web Adapter. front: the laptop's front serves them.
    streaming: Literal["adapter", "front"] = "adapter"
    #: full: layers bring everything. source: a layer brings our package, the running environment its dependencies.
    layer: Literal["full", "source"] = "full"
    #: Where the gateway's error documents are declared: in the OpenAPI document, or as resources beside it, for an
    #: emulator that does not read them there.
    gateway_responses: Literal["document", "resources"] = "document"
    #: Needs the account's CloudWatch role for API Gateway, which the stack then sets.
    access_logs: bool = False
    log_retention_days: Retention = 30
    data: Data = Data()
    throttle: StageThrottle = StageThrottle()
    #: Instances kept for (and at most used by) a function, by its name.
    reserved_concurrency: dict[FunctionName, Annotated[int, Field(ge=1)]] = {}
    #: Partial plans by name, laid over the price list; a new name is a whole new plan.
    plans: dict[str, dict[str, Any]] = {}
    #: What one run of an agent may use up; plans may tighten it (``run_limits``). Empty: as the engine has it.
    run_limits: RunLimits = RunLimits()
    #: Further model entries by name.
    models: dict[str, dict[str, Any]] = {}
    #: What turns texts into vectors, as ``provider/model``; without one, search is by vector alone.
    embedding_model: str = ""
    #: Whether agents may call addresses inside the network.
    allow_private_http: bool = False
    #: Host names and networks that agents may call though they are not public, such as "10.1.0.0/16".
    allowed_http: list[HostOrNetwork] = []
    #: Further environment variables of every function.
    environment: dict[str, str] = {}
    tags: dict[str, str] = {}

    @field_validator("plans")
    @classmethod
    def _plans_fit(cls, plans: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, changes in plans.items():
            try:
                load_plans({name: changes})
            except ValidationError as error:
                raise ValueError(f"plan '{name}': {_faults(error, '; ')}") from None
        return plans

    def price_list(self) -> dict[str, Plan]:
        """The plans of this stack: the common ones with the customer's changes."""
        return load_plans(self.plans)


def names(folder: Path = CUSTOMERS) -> list[str]:
    """The customers there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name: str, folder: Path = CUSTOMERS) -> Customer:
    """Read and check a customer's file.

    Raises:
        CustomerError: There is no such file, or it says what it must not.
    """
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name):
        raise CustomerError(
            f"'{name}' is no customer's name: 2 to 20 lower-case letters, digits and hyphens, beginning with a letter."
        )
    if not path.is_file():
        raise CustomerError(
            f"There is no customer '{name}'. Known: {', '.join(names(folder)) or 'none'}. "
            f"Copy {folder / 'demo.yaml'} to {path} and change it."
        )
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise CustomerError(f"{path} is not YAML: {error}") from error
    if not isinstance(said, dict):
        raise CustomerError(f"{path} must hold settings, one `key: value` a line.")
    if said.get("name", name) != name:
        raise CustomerError(f"{path}: name is '{said['name']}' but the file is called {name}.yaml; make them equal.")
    try:
        return Customer.model_validate({"name": name, **said})
    except ValidationError as error:
        raise CustomerError(
            f"{path} cannot be used (infra/customer.py tells every setting):\n  " + _faults(error, "\n  ")
        ) from error


def _faults(error: ValidationError, between: str) -> str:
    return between.join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
