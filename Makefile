# emorec: everything a person does with a clone. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEVICE ?= cpu
# Bytecode is compiled at install: the first start is three times faster so.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -c constraints.txt

.PHONY: help install assets assets-plates demo test test-all check format messages audit wheel docs bench clean
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /: /' | while IFS=: read -r name text; do printf '%-10s%s\n' "$$name" "$$text"; done

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-demo: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[demo]'
	@touch $@

$(VENV)/installed-test: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[test]'
	@touch $@ $(VENV)/installed-demo

# What a measurement on a device needs: CUDA's libraries, gigabytes of them, only where there is a GPU.
$(VENV)/installed-bench-cpu: $(VENV)/installed-test
	@touch $@

$(VENV)/installed-bench-gpu: $(VENV)/installed-test
	$(INSTALL) -e '.[test,gpu]'
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/installed-demo $(VENV)/installed-test

install: $(VENV)/installed-demo ## install emorec into .venv

assets: $(VENV)/installed-demo ## bring the third-party model files
	@$(BIN)/emorec assets

demo: assets ## compose a sample recording, analyse it, render its report
	$(BIN)/emorec demo demo

screenshots: demo ## make the README's pictures from the demo session (needs chromium)
	$(BIN)/python docs/screenshots.py demo/store

assets-plates: $(VENV)/installed-demo ## bring the models that read name plates too
	@$(BIN)/emorec assets --plates

test: $(VENV)/installed-test assets-plates ## run the tests (under 15 minutes)
	$(BIN)/python -m pytest -m 'not slow'

test-all: $(VENV)/installed-test assets-plates ## run the slow tests too
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev ## ruff, mypy, import-linter, audit
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory audit

format: $(VENV)/installed-dev ## format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

messages: $(VENV)/installed-dev ## bring the translations of reports up to date with their texts
	$(BIN)/python -m reports.i18n.messages

audit: $(VENV)/installed-dev ## known vulnerabilities of the dependencies, where the advisories can be reached
	@$(BIN)/python bench/audit.py

wheel: $(VENV)/installed-test ## build the wheel into dist/
	$(BIN)/python -m build --wheel

$(VENV)/installed-docs: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs]'
	@touch $@

docs: $(VENV)/installed-docs ## build the documentation site into build/site, warnings as errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/installed-bench-$(DEVICE) assets ## measure speed and memory (some 12 to 25 minutes); DEVICE=gpu where there is one, QUICK=1 for a try
	$(BIN)/python -m bench.analyze --device $(DEVICE) --write $(if $(QUICK),--quick)

clean: ## remove what was built; recordings, sessions and models stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
