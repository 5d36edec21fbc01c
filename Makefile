# The README's two commands are `make run` and `make test`; each sets up what it needs first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock constrains every install, so that each machine gets the same packages.
INSTALL = $(PIP) install --constraint requirements.lock
# Many tests wait for sound, servers or processes: one more than there are processors keeps those busy. Each
# process takes a stretch of the tests, so that one server serves those of a file that share it.
JOBS   ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

# What sound takes of a Linux system: to talk and listen, and for the tests' own microphone and speaker.
SOUND      := libportaudio2 espeak-ng
TEST_SOUND := $(SOUND) pulseaudio pulseaudio-utils libasound2-plugins
# The tests of storage run on SQLite and on a PostgreSQL server of their own.
TEST_DATABASE := postgresql
# The load on a gateway, and the peers of TensorWall's that run on Node.
LOAD       := wrk
NODE_PEERS := @portkey-ai/gateway@1.15.2

# $(call debian,PACKAGES) installs packages where that takes no question, and fails where it does.
debian = if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
  command -v apt-get >/dev/null && $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-remove --no-install-recommends $(1) >/dev/null

.PHONY: run voice test bench format snapshots lock clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	@$(BIN)/tensorwall $(ARGS)

voice: $(VENV)/.voice $(VENV)/.sound
	@$(BIN)/tensorwall $(ARGS)

# The tests start some hundreds of processes: each reads what an earlier one has compiled.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev $(VENV)/.test-sound $(VENV)/.test-database $(VENV)/.test-models $(VENV)/.test-node
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

bench: $(VENV)/.dev $(VENV)/.test-sound $(VENV)/.test-models $(VENV)/.load $(VENV)/peers/.ready
	$(BIN)/python -m tests.bench $(ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: $(VENV)/.dev
	$(BIN)/python -m pytest tests/app/tui/review/test_snapshots.py tests/app/tui/routes/test_snapshots.py --snapshot-update

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

$(VENV)/.voice: pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing TensorWall's packages with those for voice (once; about a minute)..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable '.[voice,espeak]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing TensorWall's packages and its test tools (once; about a minute)..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable '.[dev,gateway,mcp,offline,postgres,voice,espeak]'
	@touch $@ $(VENV)/.run $(VENV)/.voice

# Only Linux needs packages of the system: elsewhere PortAudio and voices come with Python's or the system.
# Without them everything else works, so this tells and goes on.
$(VENV)/.sound: PACKAGES = $(SOUND)
$(VENV)/.test-sound: PACKAGES = $(TEST_SOUND)
$(VENV)/.sound $(VENV)/.test-sound: NEED = Sound needs
$(VENV)/.test-database: PACKAGES = $(TEST_DATABASE)
$(VENV)/.test-database: NEED = The tests on PostgreSQL need
$(VENV)/.load: PACKAGES = $(LOAD)
$(VENV)/.load: NEED = The benchmark of the gateway needs
$(VENV)/.sound $(VENV)/.test-sound $(VENV)/.test-database $(VENV)/.load: | $(BIN)/pip
	@if [ "$$(uname)" != Linux ] || dpkg -s $(PACKAGES) >/dev/null 2>&1; then touch $@; \
	else \
	  echo "Installing $(PACKAGES) (once)..."; \
	  { $(call debian,$(PACKAGES)); } && touch $@ || \
	  echo "$(NEED) your system's packages for: $(PACKAGES). They could not be installed from here."; \
	fi

$(VENV)/.test-models: tests/voice_models.py tests/chat_model.py | $(VENV)/.dev
	@$(BIN)/python -m tests.voice_models
	@$(BIN)/python -m tests.chat_model
	@touch $@

$(VENV)/.test-node: tests/node_openai.py | $(VENV)/.dev
	@$(BIN)/python -m tests.node_openai
	@touch $@

# The programs TensorWall is compared with live apart: their pins contradict each other's and ours.
$(VENV)/peers/.ready: tests/bench/peers.txt | $(BIN)/pip
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check --quiet install --requirement tests/bench/peers.txt
	@command -v npm >/dev/null && npm install --silent --no-fund --no-audit --ignore-scripts \
	  --prefix $(VENV)/peers/node $(NODE_PEERS) || echo "Without npm there is no $(NODE_PEERS) to compare with."
	@touch $@

# Debian ships python3 without venv; where it may, this installs it.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TensorWall needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Installing python3-venv..."; $(call debian,python3-venv); } || \
	  { echo "Python's venv module is missing; install it, on Debian with: sudo apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
