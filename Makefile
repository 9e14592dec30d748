# hashbook: each target builds what it needs and says what it is doing. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
STAMPS := build/stamps
BENCH  := build/bench
BUILT  := $(STAMPS)/extensions$(if $(HASHBOOK_DEBUG),-debug)$(HASHBOOK_MARCH)
CC     ?= cc

# The interpreter that .venv is made from: PYTHON=/path/to/python3.x overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

ROOMS   := domain matching clearing exchange gateway runtime hashbook
TYPED   := domain clearing exchange gateway runtime hashbook
SOURCES := setup.py $(wildcard $(foreach d,domain matching clearing exchange benchmarks,$(addprefix $(d)/*.,pyx pxd pxi h)))
PIP     := $(PY) -m pip install --quiet --disable-pip-version-check

help: ## this list
	@echo "hashbook: an exchange for Bitcoin hashrate"; echo
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)$$/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# ------------------------------------------------------------------ build

build: $(BUILT) $(STAMPS)/command ## environment in .venv, extensions compiled in parallel

# What cannot be installed for the user is named before anything is downloaded.
$(PY):
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer is needed; none was found. PYTHON=/path/to/python3 names one." >&2; exit 1; }
	@command -v $(CC) >/dev/null || { echo "error: a C compiler is needed; '$(CC)' was not found. CC=... names one." >&2; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig as s, sys; p = os.path.join(s.get_path("include"), "Python.h"); os.path.exists(p) or sys.exit("error: the headers of this Python are needed (on Debian: python3-dev): " + p + " is missing")'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "error: this Python has no venv (on Debian: python3-venv)" >&2; exit 1; }
	@echo "==> making the environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(STAMPS):
	@mkdir -p $@

$(VENV)/.run-packages: requirements/run.lock | $(PY)
	@echo "==> installing pinned packages (requirements/run.lock)"
	@$(PIP) --require-hashes -r requirements/run.lock
	@touch $@

$(VENV)/.dev-packages: requirements/dev.lock $(VENV)/.run-packages
	@echo "==> installing pinned packages for tests (requirements/dev.lock)"
	@$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(BUILT): $(SOURCES) $(VENV)/.run-packages | $(STAMPS)
	@echo "==> compiling extensions"
	@$(PY) setup.py --quiet build_ext --inplace
	@rm -f $(STAMPS)/extensions*; touch $@

$(STAMPS)/command: pyproject.toml VERSION | $(BUILT)
	@echo "==> installing the command $(BIN)/hashbook"
	@$(PIP) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

# ------------------------------------------------------------------ use

run: build ## a demo venue on 127.0.0.1:8765 (HASHBOOK_PORT), data under var/ (HASHBOOK_HOME)
	@exec $(BIN)/hashbook serve --demo

# Quick tests by default; SLOW=1 adds those that kill processes for minutes.
QUICK := $(if $(SLOW),,-m "not slow")

test: build $(VENV)/.dev-packages ## the tests; ROOM=matching runs one room's, SLOW=1 adds those that take minutes
ifdef ROOM
	@files=$$(find tests -name 'test_*.py' \( -path "*/$(ROOM)/*" -o -name "test_*$(ROOM)*.py" -o -path 'tests/architecture/*' \) | sort); \
	echo "==> testing room $(ROOM)"; exec $(PY) -m pytest -q $(QUICK) $$files
else
	@echo "==> testing"
	@exec $(PY) -m pytest -q $(QUICK)
endif

twin: build ## a million random commands to the book and to its plain twin (COMMANDS=, SEED=, JOBS=)
	@$(PY) -m tests.twin.run --commands $(or $(COMMANDS),1000000) --seed $(or $(SEED),1) --jobs $(or $(JOBS),1) $(if $(HASHBOOK_DEBUG),--check-every 1)

kill: build $(VENV)/.dev-packages ## kill -9 of the core under websocket load, 50 times, and an audit (KILLS=, SEED=)
	@$(PY) -m tests.kill.run --kills $(or $(KILLS),50) --seed $(or $(SEED),1)

cases: build ## the matching cases transcribed from other systems
	@$(PY) -m tests.cases.matching tests/cases/data/matching_cases.json

load: build $(VENV)/.dev-packages ## 30 seconds of locust against a venue of its own; fails if an acknowledgement is missing
	@exec $(PY) -m loadtests.run

clients: build ## unmodified ccxt, in an environment of its own, against venues of its own (about four minutes)
	@exec $(PY) -m tests.clients.run

# ------------------------------------------------------------------ measure

C_FLAGS := -O3 -DNDEBUG -std=gnu11 -Wall -Wextra -Wno-unused-function $(if $(HASHBOOK_MARCH),-march=$(HASHBOOK_MARCH))
C_TOOLS := $(BENCH)/gen $(BENCH)/gen_mixed $(BENCH)/floor $(BENCH)/floor_hashed $(BENCH)/ws_load

bench: build bench-tools ## book, mixed flow, Python door, hostile shapes, rivals, core, end to end; HASHBOOK_BENCH_TINY=1 for a glance
	@$(PY) -m benchmarks.matching
	@$(PY) -m benchmarks.mixed
	@$(PY) -m benchmarks.python_door
	@$(PY) -m benchmarks.hostile
	@$(PY) -m benchmarks.instructions --optional
	@$(PY) -m benchmarks.rivals --optional
	@$(PY) -m benchmarks.core
	@$(PY) -m benchmarks.end_to_end

instructions: build bench-tools ## instructions an operation under valgrind, held to their budget; WRITE=1 makes them the budget
	@$(PY) -m benchmarks.instructions $(if $(WRITE),--write)

rivals: build bench-tools ## the book beside matching engines from PyPI, in an environment of their own
	@$(PY) -m benchmarks.rivals

bench-tools: $(C_TOOLS) ## the C programs that the benchmarks measure with

$(BENCH):
	@mkdir -p $@
$(BENCH)/gen $(BENCH)/gen_mixed: $(BENCH)/%: benchmarks/floor/%.c $(addprefix benchmarks/floor/,flow.h book.h stream.h) | $(BENCH)
	@echo "==> compiling $@" && $(CC) $(C_FLAGS) -o $@ $<
$(BENCH)/floor: benchmarks/floor/floor.c benchmarks/floor/book.h benchmarks/floor/stream.h | $(BENCH)
	@echo "==> compiling $@" && $(CC) $(C_FLAGS) -o $@ $<
$(BENCH)/floor_hashed: benchmarks/floor/floor.c benchmarks/floor/book.h benchmarks/floor/stream.h | $(BENCH)
	@echo "==> compiling $@" && $(CC) $(C_FLAGS) -DBOOK_HASHED_IDS -o $@ $<
$(BENCH)/ws_load: benchmarks/load/ws_load.c benchmarks/load/frame.h | $(BENCH)
	@echo "==> compiling $@" && $(CC) $(C_FLAGS) -o $@ $< -lm

annotate: build ## how much of each compiled module is C: HTML under build/cython
	@HASHBOOK_ANNOTATE=1 $(PY) setup.py --quiet build_ext --inplace && find build/cython -name '*.html'

# ------------------------------------------------------------------ tidy

lint: build $(VENV)/.dev-packages ## ruff on everything, mypy --strict on the Python rooms
	@echo "==> ruff" && $(PY) -m ruff check .
	@echo "==> mypy --strict $(TYPED)" && $(PY) -m mypy --strict $(TYPED)

lock: $(VENV)/.dev-packages ## pin dependencies anew from pyproject.toml (needs pip-tools or uv)
	@command -v uv >/dev/null || { echo "error: this needs uv; the pinned files stand as they are" >&2; exit 1; }
	@uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements/run.lock
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements/dev.lock

clean: ## remove what was built (the environment stays: make distclean)
	@echo "==> removing what was built"
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find $(ROOMS) benchmarks tests loadtests -name '__pycache__' -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@for d in $(ROOMS) benchmarks; do rm -f $$d/*.so; done

distclean: clean ## also remove the environment; var/ is never touched
	@rm -rf $(VENV) .venv-ccxt .venv-rivals .cache

.PHONY: help build run test kill twin cases load clients bench instructions rivals bench-tools annotate lint lock clean distclean
.DELETE_ON_ERROR:
