# make demo   the main job over the sample data, in ./var/demo
# make test   style, types, tests
# make soak   the long tests
# make audit  known holes in the packages that are installed
# make docs   the documents that are made from the program
# make clean  everything away that these make
# Needs only make, Python 3.11 or newer and a package index. Choose a Python by PYTHON=…

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet -c constraints.txt
# The tests of Spark run where it is installed: make test EXTRAS=test,spark (and Java 17)
EXTRAS ?= test
COMMA := ,
TESTED := $(VENV)/.installed-$(subst $(COMMA),-,$(EXTRAS))
FROM := setup.cfg pyproject.toml constraints.txt zp_registry/__init__.py
.DEFAULT_GOAL := demo
.PHONY: demo test style types unit soak audit docs clean

# Names of commands that stand in the path but do not run (version managers leave such) are passed over.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)

# Code is used from the checkout, so only what the project declares asks for a new installation.
$(VENV)/.installed: $(FROM)
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments (no ensurepip): on Debian or Ubuntu install the package python3-venv" >&2; exit 2; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making $(VENV) with $$($(PYTHON) --version)"; rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo "Installing the packages that the registry needs (a few minutes the first time)"
	@$(INSTALL) -e .
	@touch $@

$(TESTED): $(VENV)/.installed
	@echo "Installing the packages that the tests need"
	@$(INSTALL) -e '.[$(EXTRAS)]'
	@touch $@

# 0: done; 3: done, and some rows or files were turned back, as the samples mean to show. Invented people never get into a
# real registry's database.
demo: $(VENV)/.installed
	@env -u ZP_DATABASE_URL ZP_CONFIG=sample_data/zp-registry.toml $(BIN)/zp-registry demo --home var/demo || test $$? -eq 3

test: style types unit

style: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/bandit -q -c pyproject.toml --severity-level medium -r zp_registry jobs mappings sample_data

# The packages are laid out as they are installed: jobs, mappings and the simulator stand elsewhere in the checkout.
TYPED := build/typed
types: $(TESTED)
	@rm -rf $(TYPED) && mkdir -p $(TYPED)/zp_registry && ln -s "$(CURDIR)"/zp_registry/* $(TYPED)/zp_registry/ && \
		ln -s "$(CURDIR)/jobs" "$(CURDIR)/mappings" "$(CURDIR)/sample_data/simulator" $(TYPED)/zp_registry/
	MYPYPATH=$(TYPED) $(BIN)/mypy --cache-dir build/mypy $(TYPED)/zp_registry

# -rs: what was skipped, and why, stands at the end.
unit: $(TESTED)
	$(BIN)/python -m pytest -n auto -rs $(TESTS)

soak: $(TESTED)
	$(BIN)/python -m pytest -m soak -rs $(TESTS)

# Advisories are no part of any package: without leave to ask for them this only says so, and is no failure.
audit: $(VENV)/.installed
	@if [ "$(ZP_AUDIT_ONLINE)" != 1 ]; then \
		echo "SKIPPED: pip-audit asks a service on the network about every package; allow it by: make audit ZP_AUDIT_ONLINE=1"; \
	else rm -rf build/audit && $(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit && \
		build/audit/bin/pip-audit --requirement requirements.txt --require-hashes --disable-pip; fi

docs: $(VENV)/.installed
	$(BIN)/zp-registry docs --output docs

clean:
	rm -rf $(VENV) build var/demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
