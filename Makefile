SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON := .venv/bin/python
# A stamp is younger than everything it was made from, or its step runs again.
SERVER_STAMP := .venv/.server-stamp
DEV_STAMP := .venv/.dev-stamp
NODE_STAMP := node_modules/.stamp
# What the linter, the formatter and the type checker read.
SOURCES := audit keys vault submit tests $(wildcard scripts/*.py bench)

.PHONY: help
help:  ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

.PHONY: setup
setup: $(SERVER_STAMP)  ## Make .venv with what the commands, the servers and the demo need
$(SERVER_STAMP): requirements/server.lock pyproject.toml scripts/setup-venv
	@scripts/setup-venv requirements/server.lock
	@touch $@

.PHONY: setup-dev
setup-dev: $(DEV_STAMP)  ## Add what tests and checks need
$(DEV_STAMP): requirements/dev.lock requirements/server.lock pyproject.toml scripts/setup-venv
	@scripts/setup-venv requirements/dev.lock
	@touch $(SERVER_STAMP) $@

.PHONY: setup-node
setup-node: $(NODE_STAMP)  ## Install the other implementations that interop tests run in Node
$(NODE_STAMP): package-lock.json package.json scripts/setup-node
	@scripts/setup-node
	@touch $@

.PHONY: setup-postgres
setup-postgres:  ## Bring PostgreSQL's binaries for the tests, or say that they are missing
	@scripts/setup-postgres

.PHONY: setup-nginx
setup-nginx:  ## Bring nginx and systemd-analyze for the tests of deploy/, or say that they are missing
	@scripts/setup-nginx

.PHONY: demo
demo: setup  ## Play a whole town: petition, request, release, answer, audit
	$(PYTHON) scripts/demo.py

.PHONY: test
test: setup-dev setup-node setup-postgres setup-nginx  ## Run every test
	$(PYTHON) -m pytest -n 2

.PHONY: faults
faults: setup-dev setup-postgres  ## Kill and starve a whole office a thousand times; nothing may be lost
	$(PYTHON) -m tests.faults $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))
	$(PYTHON) -m tests.faults.scenarios $(if $(ONLY),-k "$(ONLY)")

.PHONY: coverage
coverage: setup-dev setup-node setup-postgres setup-nginx  ## Run every test and show the lines that none reached
	$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run --parallel-mode -m pytest
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report --show-missing --skip-covered

.PHONY: format
format: setup-dev  ## Format the Python code, and repair what the linter can
	$(PYTHON) -m ruff check --fix-only --quiet $(SOURCES)
	$(PYTHON) -m ruff format $(SOURCES)

.PHONY: lint
lint: setup-dev  ## Check format and style
	$(PYTHON) -m ruff check $(SOURCES)
	$(PYTHON) -m ruff format --check $(SOURCES)

.PHONY: types
types: setup-dev  ## Check the types, strictly, tests included
	$(PYTHON) -m mypy $(SOURCES)

.PHONY: imports
imports: setup-dev  ## Check that imports only go downward
	.venv/bin/lint-imports

.PHONY: check
check: lint types imports test  ## Everything that must hold before a change is proposed

.PHONY: bench
bench: setup  ## Measure the load that the office stands
	$(PYTHON) -m bench

.PHONY: bench-crowd
bench-crowd: setup-dev  ## Measure the door under a crowd, forty minutes (RUNS=ramp,storm for some of it)
	$(PYTHON) -m bench.crowd $(if $(RUNS),--runs $(RUNS)) $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: bench-growth
bench-growth: setup  ## Compare a new office with one of a million cases (GROWTH=--help)
	$(PYTHON) -m bench.growth $(GROWTH)

.PHONY: lock
lock:  ## Write the lock files anew (UPGRADE=--upgrade for newer versions)
	scripts/lock $(UPGRADE)

.PHONY: clean
clean:  ## Remove what the other targets made
	rm -rf .venv node_modules build dist .coverage .coverage.*
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find audit keys vault submit tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
