# Everything that people and CI run. Needs git, make, Python >= 3.10 and Node >= 20.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE := inductiva_widgets/static/widget.js
ARGS ?=
BENCHMARKS := import_time listing history frames export table live_log downloads server_listing server_load binder
# What takes the README's pictures, and those among the tests' own that it shows.
PICTURES := take_pictures take_film test_downloads test_table test_card test_compare test_task_history test_notebook_results hosts/test_dashboard
KEPT := download-running table timeline card-log card-outputs history-costs compare sweep dam-break dashboard
# Tests that may share the machine run on this many processes.
JOBS ?= 2

.PHONY: help demo test build lint types test-js test-python test-conformance test-notebooks test-browser test-release matrix docs benchmarks pictures format dist clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: $(BUNDLE) $(VENV)/.demo ## Set up, start the embedded server and open the quick start in JupyterLab
	@$(BIN)/inductiva-widgets demo $(ARGS)

test: lint types test-js test-python test-conformance test-notebooks test-release test-browser matrix ## Run every check; installs what it needs, the browser included

build: $(BUNDLE) ## Build the front end

lint: $(VENV)/.dev js/node_modules/.ready ## Check style, Python and TypeScript
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@echo "== biome"
	@npm --prefix js run --silent lint

types: $(VENV)/.dev js/node_modules/.ready ## Check types, Python and TypeScript
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== tsc"
	@npm --prefix js run --silent check

test-js: js/node_modules/.ready ## Test the front end without a browser
	@echo "== vitest"
	@npm --prefix js run --silent test

test-python: $(BUNDLE) $(VENV)/.dev ## Unit tests, and integration tests on the real embedded server
	@$(BIN)/python tests/tools.py
	@echo "== pytest: unit and integration"
	@$(BIN)/pytest -q -n $(JOBS) tests/unit tests/integration

test-conformance: $(BUNDLE) $(VENV)/.dev ## Run the vendor's own client on the embedded server, and compare requests
	@echo "== pytest: conformance (installs the vendor's client into a venv of its own)"
	@$(BIN)/pytest -q tests/conformance

test-notebooks: $(BUNDLE) $(VENV)/.dev ## Execute the notebooks
	@echo "== pytest: notebooks"
	@$(BIN)/pytest -q tests/notebooks

test-browser: $(BUNDLE) $(VENV)/.dev ## Drive JupyterLab in a headless browser
	@$(BIN)/python tests/browser/chromium.py
	@echo "== pytest: browser"
	@$(BIN)/pytest -q -n $(JOBS) --dist loadfile tests/browser

test-release: $(BUNDLE) $(VENV)/.dev ## Build sdist and wheel, and use the wheel on every Python that is here
	@echo "== pytest: release (makes clean environments; needs a package index)"
	@$(BIN)/python -c "from tests.matrix import PYTHONS, forget; forget(PYTHONS)"
	@$(BIN)/pytest -q -n $(JOBS) tests/release

matrix: $(VENV)/.dev ## Print on which Pythons and in which front ends the last runs saw what work
	@$(BIN)/python -m tests.matrix
	@$(BIN)/python -m tests.matrix --check

docs: $(VENV)/.dev ## Build the API reference as HTML into build/docs
	@$(BIN)/python -m tests.reference build/docs

benchmarks: $(BUNDLE) $(VENV)/.dev ## Measure the README's figures (an hour; a machine that does nothing else)
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name; done

pictures: $(BUNDLE) $(VENV)/.dev ## Take the README's pictures anew
	@$(BIN)/python tests/browser/chromium.py
	@$(BIN)/pytest -q -n $(JOBS) --dist loadfile $(PICTURES:%=tests/browser/%.py)
	@cd tests/artifacts && cp $(foreach name,$(KEPT),$(name)-light.png $(name)-dark.png) ../../notebooks/images/
	@$(BIN)/python -m tests.module_map

format: $(VENV)/.dev ## Rewrite Python files in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dist: $(VENV)/.dev ## Build sdist and wheel into dist/
	@$(BIN)/python -m build

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) build dist js/node_modules inductiva_widgets/static

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "== Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "The venv module is missing; on Debian: apt install python3-venv"; exit 1; }

# The bundle comes first, so that pip's build of the package has nothing to build.
$(VENV)/.demo: pyproject.toml $(VENV)/bin/python | $(BUNDLE)
	@echo "== Installing the package with JupyterLab (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/bin/python | $(BUNDLE)
	@echo "== Installing the package with its test tools (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/.demo

js/node_modules/.ready: js/package.json js/package-lock.json
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || \
		{ echo "Node.js 20 or newer is needed, with npm: see nodejs.org or your package manager"; exit 1; }
	@echo "== Installing the front end's tools"
	@npm --prefix js ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): js/node_modules/.ready $(shell find js/src js/build.mjs js/tsconfig.json -type f 2>/dev/null)
	@echo "== Building the front end"
	@npm --prefix js run --silent build
