# The README's two commands are `make run` and `make test`; each sets up what it needs first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock constrains every install, so that each machine gets the same packages.
INSTALL = $(PIP) install --constraint requirements.lock
JOBS   ?= auto

.PHONY: run test bench format lock clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	@$(BIN)/tensorwall $(ARGS)

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest --numprocesses $(JOBS) $(ARGS)

bench: $(VENV)/.dev $(VENV)/peers/.ready
	$(BIN)/python -m tests.bench $(ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --upgrade --all-extras --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find app core assets tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing TensorWall's packages (once; about a minute)..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing TensorWall's packages and its test tools (once; about a minute)..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable '.[dev,gateway]'
	@touch $@ $(VENV)/.run

# The programs TensorWall is compared with live apart: their pins contradict each other's and ours.
$(VENV)/peers/.ready: tests/bench/peers.txt | $(BIN)/pip
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check --quiet install --requirement tests/bench/peers.txt
	@touch $@

# Debian ships python3 without venv; where it may, this installs it.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TensorWall needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  command -v apt-get >/dev/null || { echo "Python's venv module is missing; install it with your system's package manager."; exit 1; }; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	  echo "Installing python3-venv..."; \
	  { $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; } || \
	  { echo "Could not install python3-venv; run: sudo apt-get install python3-venv"; exit 1; }; }
	@$(PYTHON) -m venv $(VENV)
