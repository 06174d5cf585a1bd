# The two commands: `make run` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 9877
ADDRESS ?= 127.0.0.1
EXTRAS ?= nvidia
ARGS ?=
WORKERS ?= auto

# The tests of plugins/solix with the real library: `make test-solix ANKER_SOLIX_API=path/to/its/checkout PYTHON312=python3.12`
PYTHON312 ?= python3.12
ANKER_SOLIX_API ?=
SOLIX_VENV ?= .venv-solix
LOCK_VENV ?= .venv-lock

# Optional: without a compiler all runs in Python. `ENERGY_COLLECTOR_SPEED=off` leaves it out.
COMPILED := setup.py $(wildcard collector_core/_speed/*pp)

# Where bytecode is kept, the program starts in half the time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run services test test-solix explore check bench docs dashboards format lock sbom clean

run: $(VENV)/run.stamp
	exec $(BIN)/energy-collector run --listen $(ADDRESS):$(PORT) $(ARGS)

# Before the installation, which compiles where there is a compiler.
services:
	$(PYTHON) tests/services.py install

test: services $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

test-solix:
	@test -n "$(ANKER_SOLIX_API)" || { echo "ANKER_SOLIX_API=path/to/a/checkout of anker-solix-api is missing"; exit 2; }
	$(PYTHON312) -m venv $(SOLIX_VENV)
	$(SOLIX_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,solix]' '$(ANKER_SOLIX_API)'
	$(SOLIX_VENV)/bin/python -m pytest tests/plugins/solix tests/e2e/test_solix.py $(ARGS)

explore: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(WORKERS) -m hypothesis --hypothesis-profile explore $(ARGS)

check: services $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m tests.typecheck
	$(BIN)/energy-collector docs --check
	$(BIN)/python -m grafana.build --check
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --no-loadscope-reorder tests/repo
	$(BIN)/python -m bench counts --against bench/counts.json

bench: services $(VENV)/dev.stamp
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/dev.stamp
	$(BIN)/energy-collector docs

dashboards: $(VENV)/dev.stamp
	$(BIN)/python -m grafana.build

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The versions and hashes that the image is built from, in deploy/requirements.txt.
lock: $(LOCK_VENV)/stamp
	$(LOCK_VENV)/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --no-header --no-emit-index-url \
		--no-emit-trusted-host --no-emit-find-links --allow-unsafe --extra nvidia --output-file deploy/requirements.txt pyproject.toml

# What is in the image, for scanners: a CycloneDX bill of materials.
sbom: $(LOCK_VENV)/stamp
	$(LOCK_VENV)/bin/cyclonedx-py requirements --output-reproducible --output-file build/sbom.json deploy/requirements.txt

clean:
	rm -rf $(LOCK_VENV) $(VENV) build dist *.egg-info

$(LOCK_VENV)/stamp:
	$(PYTHON) -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-tools>=7.5' 'cyclonedx-bom>=7'
	mkdir -p build
	touch $@

$(VENV)/run.stamp: pyproject.toml $(COMPILED)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	$(BIN)/python -m compileall -q collector_core plugins
	touch $@

$(VENV)/dev.stamp: pyproject.toml $(COMPILED)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/run.stamp
