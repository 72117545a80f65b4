# The table of contents of the work: `make` alone prints the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CUSTOMER ?= demo
PORT ?= 8080
ONCE ?=
ROUNDS ?= 11
UV_VERSION := 0.13.9
# jsii, under the CDK library, needs a Node release that is still maintained; where there is none it comes as a wheel.
NODE_MAJOR := $(shell node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')
NODE_GROUP := $(shell [ "$(or $(NODE_MAJOR),0)" -ge 22 ] && echo "" || echo "--group node")
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Where it is set, every start compiles every library anew, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup lint format test test-unit test-infra test-crashes demo dev synth layer openapi bench bench-coldstart bench-engine bench-conversation bench-admission bench-vectors clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## make the environment (the other targets call it)

$(VENV)/.ready: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --quiet --frozen --inexact $(NODE_GROUP)
	@touch $@

lint: setup ## ruff, mypy --strict, import arrows, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/jactionlint

format: setup ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup ## all tests but the deployments of whole stacks (test-infra)
	$(BIN)/pytest -n 4 --dist loadgroup

test-unit: setup ## the tests that need no cloud
	$(BIN)/pytest -n 4 --dist loadgroup tests/unit

test-infra: setup ## the stack's tests, with customer demo deployed and upgraded on the emulator, a restore drilled, and a cron awaited
	$(BIN)/pytest -n 2 --dist loadgroup -m "deploys or not deploys" tests/infra tests/e2e/test_backup.py tests/e2e/test_schedules.py

test-crashes: setup ## workers killed while they race, 20 seeds, or index documents; then on Amazon's DynamoDB Local (Java and npm)
	$(BIN)/pytest -n 2 -m crashes tests/integration/test_killed_workers.py tests/integration/test_killed_indexing.py
	TESTS_ON_DYNAMODB_LOCAL=1 $(BIN)/pytest -m crashes "tests/integration/test_killed_workers.py::test_32_workers_with_5000_requests_for_1000_left_lose_nothing[0]"
	TESTS_ON_DYNAMODB_LOCAL=1 $(BIN)/pytest tests/integration/test_{metering,metering_under_faults,admission_terms,budgets,budget_admissions,plan_changes,ledger_properties}.py

demo: setup ## the laptop cloud with a guided tour (ONCE=1 ends after the tour)
	$(BIN)/smyth demo --port $(PORT) $(if $(ONCE),--once)

dev: setup ## the laptop cloud
	$(BIN)/smyth dev --port $(PORT)

layer: setup ## build the layers for AWS, both processors, and tell what weighs
	$(BIN)/python -m infra.layers

synth: setup ## write cdk.out for CUSTOMER (or all) and lint the templates
	$(BIN)/python -m infra.app --customer $(CUSTOMER)
	$(BIN)/cfn-lint -i W3005 W3660 -t cdk.out/*.template.json

openapi: setup ## write docs/openapi.json from the route table and the models
	$(BIN)/python -m functions.openapi docs/openapi.json

bench: setup ## import time and memory of every function, handler path, engine CPU
	$(BIN)/python tests/bench/run.py

bench-coldstart: setup ## process start to first answer of every function, from the layers (ROUNDS=11)
	$(BIN)/python tests/bench/run_coldstart.py --rounds $(ROUNDS)

bench-engine: setup ## what runs of agents cost, beside the original's figures
	$(BIN)/python tests/bench/run_engine.py

bench-conversation: setup ## what a turn adds to its provider's time, beside the original's figures; 200 streams
	$(BIN)/python tests/bench/run_conversation.py

bench-admission: setup ## write calls and time of admission and settlement, beside a bare put; 64 callers
	$(BIN)/python tests/bench/run_admission.py

bench-vectors: setup ## recall, time and memory of searches in 10,000 and 100,000 vectors
	$(BIN)/python tests/bench/run_vectors.py

clean: ## remove what was built
	rm -rf $(VENV) cdk.out layers/*/build .pytest_cache .mypy_cache .ruff_cache
