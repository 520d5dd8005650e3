# Everything goes through here: each target makes .venv from the committed lock file when it must.
# Works with the make of macOS (GNU make 3.81).
PYTHON := .venv/bin/python

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

demo: run data ## a living brand on real shopping data, then a page at http://127.0.0.1:8420 (ARGS="--once --json")
	@.venv/bin/yutang demo $(ARGS)

test: dev data browser $(if $(findstring not cluster,$(ARGS)),,cluster) ## all rings of tests on a real PostgreSQL (ARGS="tests/unit -k name")
	@$(PYTHON) -m pytest $(ARGS)

lint: dev ## style, form, and which part may import which
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@.venv/bin/lint-imports --no-cache

format: dev ## mend style and form where a program can
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

bench: run ## figures, one JSON line per task (ARGS="--task T5 --scale 0.05")
	@.venv/bin/yutang bench $(ARGS)

lock: ## resolve the dependencies anew (needs uv)
	@tools/lock.sh

run dev data browser cluster:
	@tools/setup.sh $@

.PHONY: help demo test lint format bench lock run dev data browser cluster
