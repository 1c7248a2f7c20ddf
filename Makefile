# Needs Python 3.11 or newer and make; everything else comes from the lock files.
SHELL := /bin/sh
BOOTSTRAP_PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check install --quiet --require-hashes
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
CLIENT := $(VENV)/.client-on-path
# On this machine, for a trial: say DEBUG=false and docs/configuration.md says what else it needs.
TRIAL := DEBUG=$${DEBUG-true}
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

.PHONY: help setup demo serve test test-clients check bench lock

help:
	@echo "make setup   install everything into $(VENV)"
	@echo "make demo    try the portal with sample agents          (ARGS=--check: without a person)"
	@echo "make serve   run web, worker and beat"
	@echo "make test    run the tests                               (ARGS=\"tests/audit -k ledger\")"
	@echo "make test-clients   test the client's adapters, each with its framework   (ARGS=langchain)"
	@echo "make check   run all static checks"
	@echo "make bench   measure                                     (ARGS=\"--only NAME --json\")"
	@echo "make lock    refresh the lock files                      (ARGS=--upgrade)"

setup: $(DEV) $(CLIENT)

demo: $(RUNTIME)
	$(TRIAL) $(PYTHON) manage.py demo $(ARGS)

serve: $(RUNTIME)
	$(TRIAL) $(PYTHON) manage.py serve $(ARGS)

# Compiled tests and modules are kept: the many programs that tests start would compile them again each time.
test: $(DEV) $(CLIENT)
	env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest -n auto --dist worksteal $(ARGS)

# Agent frameworks are large: only this target installs them, each in an environment of its own.
test-clients: $(DEV)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PYTHON="$(CURDIR)/$(PYTHON)" sh clients/python/test.sh $(ARGS)

check: $(DEV) $(CLIENT)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" tests/check.sh

bench: $(DEV)
	$(PYTHON) -m bench $(ARGS)

lock: $(DEV)
	$(LOCK) $(ARGS) --output-file requirements.lock
	$(LOCK) $(ARGS) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@for wanted in clients/python/locks/*.in; do \
		$(subst pyproject.toml,"$$wanted",$(LOCK)) $(ARGS) --output-file "$${wanted%.in}.txt" || exit 1; \
	done

$(PYTHON):
	@"$(BOOTSTRAP_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"HITL Portal needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	"$(BOOTSTRAP_PYTHON)" -m venv $(VENV)

$(RUNTIME): requirements.lock | $(PYTHON)
	$(PIP) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock requirements.lock | $(PYTHON)
	$(PIP) -r requirements-dev.lock
	@touch $(RUNTIME) $@

# The clients' package is no part of the portal, but whatever runs from this environment finds it: lint-imports, too.
$(CLIENT): | $(PYTHON)
	@$(PYTHON) -c 'import os, sys, sysconfig; folder = os.path.realpath(sysconfig.get_path("purelib")); \
		client = os.path.join(os.path.realpath(sys.prefix), os.pardir, "clients", "python"); \
		open(os.path.join(folder, "clients.pth"), "w").write(os.path.relpath(client, folder) + "\n")'
	@touch $@
