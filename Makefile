# Two commands are the whole set-up: `make demo` runs the main job, `make test` the checks and tests.
# Both make a virtual environment in .venv first; nothing outside this folder is touched.

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
DEMO_EXTRAS := cpu,text,formats
TEST_EXTRAS := cpu,text,llm,formats,serve,train,eval,dev

.PHONY: demo test lint types pytest benchmarks results docs clean

demo: $(VENV)/.demo
	$(BIN)/precordia demo --out demo

test: lint types pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.test
	$(BIN)/mypy

pytest: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -q

benchmarks: $(VENV)/.test
	$(BIN)/python -m benchmarks.run

results: $(VENV)/.test
	$(BIN)/precordia eval all --out runs/results --workers 2 --markdown docs/results.md

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Precordia needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e ".[$(DEMO_EXTRAS)]"
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e ".[$(TEST_EXTRAS)]"
	@touch $@ $(VENV)/.demo
