# Everything sets itself up: a Python 3.11 with pip is all that must be there.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SERVE ?= 1
DEMO ?= demo-shop
PORT ?= 8000

.PHONY: help setup demo test test-fast check format bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(BIN)/.installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed. Install Python 3.11 or say: make PYTHON=python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): one to two minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,deep]'
	touch $@

setup: $(BIN)/.installed ## make .venv with everything in it

demo: setup ## build the demo shop, train, evaluate, recommend, then serve (SERVE=0 stops before)
	$(BIN)/shelfwise demo $(DEMO) --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

test: check ## all checks and tests, as CI runs them

check: setup ## format, lint, types, import contracts, tests, doctests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

test-fast: setup ## the tests that take less than a minute together
	$(BIN)/pytest -n 2 -m "not slow"

format: setup ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## all benchmarks, each beside a peer or a limit
	$(BIN)/shelfwise bench all

clean: ## remove what the targets made
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		build dist
