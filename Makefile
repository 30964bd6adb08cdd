# Every way to run and check Steadyhand. Needs Python 3.11 or later and make; takes `uv` where it is installed.
# `make` alone lists the targets. The environment is .venv; it is built once per content of the lock files.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
lock_sum = $(firstword $(shell cksum < $(1)))
RUN_STAMP := $(VENV)/.stamp-run-$(call lock_sum,requirements.lock)
DEV_STAMP := $(VENV)/.stamp-dev-$(call lock_sum,requirements-dev.lock)

# What `make run` starts: `make run SYMBOLS=BTCUSDT,ETHUSDT DURATION=120 SEED=7`
TIMEFRAME ?= 1s
# How many worlds `make simulation` runs through.
SEEDS ?= 20000
# How long `make soak` runs.
MINUTES ?= 30
# Further arguments for test, crash, simulation, bench: `make test ARGS="-k position"`
ARGS ?=

# Python keeps what it has compiled unless PYTHONDONTWRITEBYTECODE forbids it, as images for containers do; every process
# would then compile the program anew, a third of a second long. Takes 50 ms when nothing has changed. Who may not write
# here runs it all the same.
compile = { $(PY) -m compileall -qq src || :; }

# One shell recipe builds the environment: $(1) is run or dev, $(2) the lock, $(3) the stamp.
# The system's own Python comes first where it is new enough: distributions build it with profile-guided optimisation,
# version managers as a rule do not, and a decision then takes a sixth longer (decision 0042).
# One line goes to stderr (stdout may be somebody's JSON); the rest to a log, shown only when something fails.
define build_environment
	@set -eu; log=$(VENV)/setup.log; \
	python=; for candidate in "$(PYTHON)" /usr/bin/python3.11 python3.11 python3 python /usr/bin/python3; do \
	  if [ -n "$$candidate" ] && "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then python=$$candidate; break; fi; done; \
	[ -n "$$python" ] || { echo "Steadyhand needs Python 3.11 or later with its venv module (Debian: python3-venv); none was found. Name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	version=$$("$$python" -c 'import platform; print(platform.python_version())'); \
	printf 'Setting up %s with Python %s (once, under a minute) ... ' "$(VENV)" "$$version" >&2; \
	if ! $(PY) -c 'import pip' >/dev/null 2>&1; then \
	  "$$python" -m venv --clear $(VENV) >/dev/null 2>&1 || { echo >&2; echo "Could not create $(VENV) with $$python." >&2; exit 1; }; \
	fi; \
	rm -f $(VENV)/.stamp-$(1)-*; \
	if { command -v uv >/dev/null 2>&1 && uv pip install -q --compile-bytecode --python $(PY) --require-hashes -r $(2) >$$log 2>&1; } || \
	   $(PY) -m pip install -q --disable-pip-version-check --no-input --require-hashes -r $(2) >$$log 2>&1; \
	then $(compile) && touch $(3) && echo done. >&2; \
	else echo failed. >&2; tail -n 15 $$log >&2; echo "The whole of it: $$log. Once the cause is gone, the same command goes on." >&2; exit 1; fi
endef

# A command line flag only for a variable that was given: $(call flag,VARIABLE,--flag)
flag = $(if $($(1)),$(2) "$($(1))")

.PHONY: help setup setup-run run test test-all check tidy format bench bench-slice bench-recovery crash crash-slice simulation \
        simulation-network simulation-pairs venue venue-slice acceptance matrix matrix-slice soak planted replay-acceptance lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

# --- environment ---

setup: $(DEV_STAMP) ## Build .venv for running, testing and checking (once)
	@echo "$(VENV) is ready."

setup-run: $(RUN_STAMP) ## Build .venv for running only (once)

$(DEV_STAMP):
	$(call build_environment,dev,requirements-dev.lock,$(DEV_STAMP))
	@rm -f $(VENV)/.stamp-run-*; touch $(RUN_STAMP)

$(RUN_STAMP):
	$(call build_environment,run,requirements.lock,$(RUN_STAMP))

# --- use ---

run: $(RUN_STAMP) ## Trade on paper: DURATION SYMBOLS STRATEGIES SEED SPEED REPLAY CAPITAL TIMEFRAME JSON=1
	@$(compile)
	@exec $(PY) -m src.interfaces.cli start-session $(call flag,SYMBOLS,--symbols) \
	  $(call flag,STRATEGIES,--strategies) $(call flag,DURATION,--duration) $(call flag,SEED,--seed) \
	  $(call flag,SPEED,--speed) $(call flag,REPLAY,--replay) $(call flag,CAPITAL,--capital) \
	  $(call flag,TIMEFRAME,--timeframe) $(if $(filter-out 0 false no,$(JSON)),--json)

# --- tests ---

test: $(DEV_STAMP) ## Run the default test suite, two tests at a time (ARGS="…" goes to pytest)
	@$(PY) -m pytest -q -n 2 --dist loadgroup $(ARGS)

test-all: $(DEV_STAMP) ## Run every test, the slow ones too
	@$(PY) -m pytest -q -m "" $(ARGS)

crash: $(DEV_STAMP) ## Kill the program at every point, in pairs, with power failures; restart; compare (25 min)
	@$(PY) -m tests.crash $(ARGS)

crash-slice: $(DEV_STAMP) ## A bounded part of `make crash`, as CI runs it
	@$(PY) -m tests.crash --slice $(ARGS)

simulation: $(DEV_STAMP) ## Run the program through SEEDS simulated worlds
	@$(PY) -m tests.simulation $(SEEDS) $(ARGS)

simulation-network: $(DEV_STAMP) ## Run program, adapters and local exchange through 2000 histories of a simulated network
	@$(PY) -m tests.simulation --network 2000 $(ARGS)

simulation-pairs: $(DEV_STAMP) ## Kill at every pair of crash points, the second inside recovery from the first
	@$(PY) -m tests.simulation --pairs 1200 $(ARGS)

venue: $(DEV_STAMP) ## Trade on the local exchange while streams are cut, answers lost and processes killed
	@$(PY) -m tests.venue $(ARGS)

venue-slice: $(DEV_STAMP) ## A bounded part of `make venue`, as CI runs it
	@$(PY) -m tests.venue --seconds 10 cuts doubt kills

matrix: $(DEV_STAMP) ## Strike every operation with every fault in every phase: ARGS="--part 1/2", "PATTERN", "--list"
	@$(PY) -m tests.matrix $(ARGS)

matrix-slice: $(DEV_STAMP) ## A part of `make matrix` drawn by a seed, as CI runs it
	@$(PY) -m tests.matrix --slice 200 $(ARGS)

acceptance: $(DEV_STAMP) ## Kills with everything switched on, whatever befalls an account, 20,000 round trips
	@$(PY) -m tests.acceptance $(ARGS)

soak: $(DEV_STAMP) ## Trade for MINUTES while both processes are killed, frozen and cut off, then compare their files
	@$(PY) -m tests.soak --minutes $(MINUTES) $(ARGS)

planted: $(DEV_STAMP) ## Plant bugs in the program and say what finds each
	@$(PY) -m tests.matrix.planted

replay-acceptance: $(DEV_STAMP) ## Replay the recorded market data twice and compare every byte
	@$(PY) -m benchmarks.replay $(ARGS)

bench: $(DEV_STAMP) ## Measure latency and throughput against the figures we promise
	@$(PY) -m benchmarks $(ARGS)

bench-slice: $(DEV_STAMP) ## A bounded part of `make bench`, as CI runs it
	@$(PY) -m benchmarks --slice $(ARGS)

bench-recovery: $(DEV_STAMP) ## Measure a start beside 1,000 open orders and 100,000 past fills (5 min)
	@$(PY) -m benchmarks.recovery $(ARGS)

# --- checks ---

# Goes on after a failure, so that one run shows all there is to do. The layers are not checked by the console
# script, whose first line names the folder it was installed in: a checkout may be moved.
check: $(DEV_STAMP) ## Style, formatting, types, layers and house rules: what CI checks before the tests
	@failed=; \
	$(PY) -m ruff check --quiet --output-format concise . && echo "style: ok" || failed="$$failed style"; \
	$(PY) -m ruff format --check --quiet --output-format concise . && echo "format: ok" \
	  || { failed="$$failed format"; echo "put right by: make format"; }; \
	$(PY) -m mypy --no-error-summary && echo "types: ok" || failed="$$failed types"; \
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()' --no-logo >$(VENV)/layers.log 2>&1 \
	  && echo "layers: ok" || { failed="$$failed layers"; cat $(VENV)/layers.log; }; \
	$(PY) -m pytest -q tests/test_tidy.py || failed="$$failed house-rules"; \
	[ -z "$$failed" ] || { echo "check failed:$$failed" >&2; exit 1; }

tidy: $(DEV_STAMP) ## The house rules alone
	@$(PY) -m pytest -q tests/test_tidy.py

format: $(DEV_STAMP) ## Put code into the one format and order its imports
	@$(PY) -m ruff check --quiet --fix . || true
	@$(PY) -m ruff format .

# --- upkeep ---

lock: ## Regenerate both lock files from pyproject.toml (UPGRADE=1 takes newest versions)
	@set -eu; temp=$$(mktemp -d); trap 'rm -rf "$$temp"' EXIT; uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	  for python in "$(PYTHON)" python3.11 python3; do [ -n "$$python" ] && "$$python" -m venv "$$temp/venv" 2>/dev/null && break; done; \
	  "$$temp/venv/bin/python" -m pip install -q --disable-pip-version-check uv 2>"$$temp/log" || { cat "$$temp/log" >&2; exit 1; }; \
	  uv=$$temp/venv/bin/uv; fi; \
	compile() { lock=$$1; about=$$2; shift 2; \
	  cp "$$lock" "$$temp/lock" 2>/dev/null || true; \
	  "$$uv" pip compile -q --no-header --no-annotate --generate-hashes --no-emit-index-url --universal \
	    --python-version 3.11 $(if $(UPGRADE),--upgrade) "$$@" pyproject.toml -o "$$temp/lock"; \
	  { echo "# $$about, with exact versions and hashes. Written by \`make lock\`."; cat "$$temp/lock"; } > "$$temp/new"; \
	  mv "$$temp/new" "$$lock"; rm -f "$$temp/lock"; echo "$$lock: $$(grep -c '==' "$$lock") packages"; }; \
	compile requirements.lock "What Steadyhand needs to run"; \
	compile requirements-dev.lock "What Steadyhand needs to run, be tested and be checked" --extra dev --constraint requirements.lock

clean: ## Remove .venv and the caches of the tools; keeps data/ and .env
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
