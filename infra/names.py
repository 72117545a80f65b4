"""Physical names. All carry the customer's name, so that two customers in one account never clash."""

from __future__ import annotations

PREFIX = "smyth"
#: The API's only stage.
STAGE = "api"
#: The alias by which functions are called; it names the version that serves.
ALIAS = "live"


def stack(customer: str) -> str:
    """The stack; the table, the API and the roles' description bear the same name."""
    return f"{PREFIX}-{customer}"


def function(customer: str, name: str) -> str:
    """A function, by its folder under ``functions/``."""
    return f"{PREFIX}-{customer}-{name}"


def called_function(customer: str, name: str, *, published: bool) -> str:
    """By what name a function is called: through its alias where versions are published."""
    return f"{function(customer, name)}:{ALIAS}" if published else function(customer, name)


def log_group(customer: str) -> str:
    """The log of all functions, so that a request is found in one place; its streams bear the functions' names."""
    return f"/aws/lambda/{stack(customer)}"


def code_log_group(customer: str, name: str) -> str:
    """The log of the function that runs users' code, which shall not write into that of the others."""
    return f"/aws/lambda/{function(customer, name)}"


def dead_letters(customer: str) -> str:
    """The queue of events that functions could not handle; each message names its function or rule."""
    return f"{stack(customer)}-dead-letters"


def queue(customer: str, name: str) -> str:
    """A queue of work: ``knowledge`` for documents to be indexed, ``triggers`` for what is to start agents."""
    return f"{stack(customer)}-{name}"


def queue_dead_letters(customer: str, name: str) -> str:
    """The queue of messages that a queue's function did not get done."""
    return f"{queue(customer, name)}-dead-letters"


def schedule_group(customer: str) -> str:
    """The group of EventBridge Scheduler that holds the tenants' schedules."""
    return stack(customer)


def event_bus(customer: str) -> str:
    """The bus whose events start agents."""
    return stack(customer)


def credentials(customer: str) -> str:
    """What the names of secrets with tenants' credentials begin with."""
    return f"{PREFIX}/{customer}/credentials/"


def vector_bucket(customer: str, account: str, region: str) -> str:
    """The bucket of S3 Vectors; such buckets are the account's own, but named like the other one."""
    return f"{PREFIX}-{customer}-vectors-{account}-{region}"


def bucket(customer: str, account: str, region: str) -> str:
    """Bucket names are one namespace for the whole world, hence account and region."""
    return f"{PREFIX}-{customer}-{account}-{region}"


def operator_secret(customer: str) -> str:
    """The secret that holds the operator's key."""
    return f"{PREFIX}/{customer}/operator-key"


def stripe_secret(customer: str) -> str:
    """The secret that holds the keys of the customer's account at Stripe."""
    return f"{PREFIX}/{customer}/stripe"


def usage_plan(customer: str, plan: str) -> str:
    """API Gateway's usage plan of a tier."""
    return f"{PREFIX}-{customer}-{plan}"


def access_log(customer: str) -> str:
    """Where the API logs its requests."""
    return f"/aws/apigateway/{stack(customer)}"


def layer(customer: str, content: str) -> str:
    """A layer, by what it holds."""
    return f"{PREFIX}-{customer}-{content}"
