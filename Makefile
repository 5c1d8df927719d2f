# A shim named python3.11 may be there without a Python behind it, so it is tried.
PYTHON ?= $(shell python3.11 -c "" 2>/dev/null && echo python3.11 || echo python3)
PIP := --quiet --disable-pip-version-check
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo run test check lint types imports format diagrams openapi chart lock clean

# The environment to run the server, from the locked set of dependencies.
setup: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 is needed')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP) --require-hashes -r requirements.lock
	$(BIN)/pip install $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# The same with what the tests and checks need.
$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/pip install $(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# A server and a simulated fleet; options go like this: make demo ARGS="--agents 50"
demo: setup
	@$(BIN)/spot-optimizer demo $(ARGS)

# The server alone.
run: setup
	@$(BIN)/spot-optimizer serve $(ARGS)

# Tests that need MariaDB or Redis are skipped without them, unless REQUIRE_SERVICES=1.
test: $(VENV)/installed-dev
	$(BIN)/pytest -n 3 --dist loadgroup

check: lint types imports test

lint: $(VENV)/installed-dev
	$(BIN)/ruff check src tests examples
	$(BIN)/ruff format --check src tests examples

types: $(VENV)/installed-dev
	@mkdir -p .mypy_cache/path && ln -sfn ../../src .mypy_cache/path/spot_optimizer
	$(BIN)/mypy -p spot_optimizer -p tests
	$(BIN)/mypy examples

imports: $(VENV)/installed-dev
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix src tests examples
	$(BIN)/ruff format src tests examples

# The state machines in docs/, from the tables in the code.
diagrams: setup
	$(BIN)/spot-optimizer state-machines > docs/state-machines.md

# The documentation of the API, from the handlers.
openapi: setup
	$(BIN)/spot-optimizer openapi > src/adapters/http/documentation/openapi.new
	@mv src/adapters/http/documentation/openapi.new src/adapters/http/documentation/openapi.json

# The settings in the values of the Helm chart, from the table in the code.
chart: setup
	@sed -i '/^# Made by/,$$d' deploy/helm/spot-optimizer/values.yaml
	$(BIN)/spot-optimizer settings --chart >> deploy/helm/spot-optimizer/values.yaml

# Needs uv; everything else needs only Python and make.
lock:
	uv pip compile pyproject.toml --group build --group dev --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -o requirements-dev.lock
	uv pip compile pyproject.toml --group build --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf $(VENV) data .mypy_cache .pytest_cache .ruff_cache .hypothesis
