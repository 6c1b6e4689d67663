# Two commands do everything: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys,venv; sys.exit(sys.version_info < (3,11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
TRACE ?=

.PHONY: up test check format lint contracts types docs bench example soak test-slow lock reference clean help

up: $(VENV)/.runtime ## install, start lab and gateway, replay real usage, print the plan, keep serving
	@$(BIN)/trivium up $(if $(TRACE),--trace "$(TRACE)") $(ARGS)

test: $(VENV)/.dev ## install and run every test
	@$(BIN)/pytest -q $(ARGS)

check: $(VENV)/.dev format lint contracts types docs test ## format, lint, import contracts, types, docs, tests

format: $(VENV)/.dev
	@$(BIN)/ruff format --check .
lint: $(VENV)/.dev
	@$(BIN)/ruff check .
contracts: $(VENV)/.dev
	@$(BIN)/lint-imports
types: $(VENV)/.dev
	@$(BIN)/mypy
docs: $(VENV)/.dev
	@$(BIN)/pytest -q tests/test_docs.py tests/test_tidy.py

bench: $(VENV)/.dev ## ratios measured side by side on this machine
	@$(BIN)/python -m bench $(ARGS)
example: $(VENV)/.runtime ## make docs/examples anew from the traces beside the checkout
	@TRIVIUM=$(abspath $(BIN)/trivium) bash docs/examples/northwind/make.sh
soak: $(VENV)/.dev ## replays under faults and kills for ten minutes; the books must balance after each
	@$(BIN)/python -m bench.soak $(ARGS)
test-slow: $(VENV)/.dev ## the tests that take minutes
	@$(BIN)/pytest -q -m slow $(ARGS)

lock: ## resolve requirements/*.in anew (needs uv on the path); dependencies wait a week
	@for set in runtime dev; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--exclude-newer "$$(date -u -d '7 days ago' +%Y-%m-%d)" -q requirements/$$set.in -o requirements/$$set.txt; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "trivium needs Python 3.11 or newer on the PATH (set PYTHON=...)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) (once; needs a package index)"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

reference: $(VENV)/.dev ## write docs/commands.md anew from the commands
	@$(BIN)/python -m trivium.cli._reference > docs/commands.md.new && mv docs/commands.md.new docs/commands.md

clean: ## remove what was built and run here
	@rm -rf $(VENV) .trivium build dist *.egg-info

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
