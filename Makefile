# Everything that people and CI run. Needs git, make, Python >= 3.10 and Node >= 20.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUNDLE := inductiva_widgets/static/widget.js
ARGS ?=
BENCHMARKS := import_time listing history frames export table live_log downloads server_listing server_load slurm_overhead binder
# What takes the pictures of the documents, and those among the tests' own that they show.
PICTURES := take_pictures take_film test_downloads test_table test_card test_compare test_task_history test_notebook_results frontends/test_dashboard
KEPT := download-running table timeline card-log card-outputs history-costs compare sweep dam-break dashboard
# Processes of a test run. Tests wait for servers, kernels and pages most of the time.
JOBS ?= 3
# Which part of a suite its target runs: `gate`, `extended` or `all`.
SELECT ?= gate
PART_gate := -m "not extended"
PART_extended := -m "extended or hypothesis" --hypothesis-profile nightly
PART_all := --hypothesis-profile nightly
PYTEST = $(BIN)/pytest -q -n $(JOBS) --dist worksteal $(or $(PART_$(SELECT)),$(error SELECT must be one of gate, extended, all))
# The slowest tests first, so that no process is left with one of them at the end.
PYTHON_SUITES := $(addprefix tests/,release notebooks conformance integration unit)
# Targets that share the machine; each one's output stays together where make can do that.
TOGETHER := --no-print-directory -j 3 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
READY := $(BUNDLE) $(VENV)/.dev

.PHONY: help demo test test-all test-extended build lint types test-js test-python test-unit test-integration test-conformance test-notebooks test-browser test-release test-slurm tools browser docs benchmarks soak pictures format dist clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: $(BUNDLE) $(VENV)/.demo ## Set up, start the embedded server and open the quick start in JupyterLab
	@$(BIN)/inductiva-widgets demo $(ARGS)

test: ## Run the gate that each change passes: twelve minutes, installation included
	+@$(MAKE) $(TOGETHER) lint types test-js tools browser
	+@$(MAKE) --no-print-directory test-python test-browser SELECT=gate

test-all: test test-extended ## Run the gate and everything else but the cluster: 37 minutes

test-extended: $(READY) ## Run what test-all has beyond test
	+@$(MAKE) --no-print-directory test-python test-browser SELECT=extended

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

test-python: $(READY) tools ## Run every suite but the browser's, in one go
	@echo "== pytest: unit, integration, conformance, notebooks and release"
	@$(PYTEST) $(PYTHON_SUITES)

test-unit: $(READY) ## Test the package's parts by themselves
	@$(PYTEST) tests/unit

test-integration: $(READY) tools ## Test with real servers, processes and simulators
	@$(PYTEST) tests/integration

test-conformance: $(READY) ## Run the vendor's own client on the embedded server, and compare requests
	@$(PYTEST) tests/conformance

test-notebooks: $(READY) ## Execute the notebooks
	@$(PYTEST) tests/notebooks

test-release: $(READY) ## Build sdist and wheel, and use the wheel in clean environments
	@$(PYTEST) tests/release

test-browser: $(READY) browser ## Drive JupyterLab and other hosts in a headless browser
	@echo "== pytest: browser"
	@$(PYTEST) tests/browser

test-slurm: SELECT = all
test-slurm: $(READY) ## Run tasks on a Slurm of three nodes on loopback, installed as root on Debian or Ubuntu
	@$(BIN)/python -m tests.slurm_cluster
	@TEST_SLURM=1 $(PYTEST) -k slurm tests/integration/slurm tests/unit/server/test_executors.py

tools: $(VENV)/bin/python ## Install the programs that tests compare with, as root on Debian or Ubuntu
	@$(BIN)/python tests/tools.py

browser: $(VENV)/.dev | tools ## Install a Chromium for the browser tests where there is none
	@$(BIN)/python tests/browser/chromium.py

docs: $(BUNDLE) $(VENV)/.dev ## Build the documentation site into build/docs: guide, API reference, changelog
	@$(BIN)/python -m docs.build build/docs

benchmarks: $(BUNDLE) $(VENV)/.dev ## Measure the figures of docs/figures.md (an hour; a machine that does nothing else)
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name; done

soak: $(BUNDLE) $(VENV)/.dev ## Run live cards over a bad connection for 15 minutes; ARGS="--minutes 2 --cards 10"
	@$(BIN)/python -m tests.soak $(ARGS)

pictures: $(READY) browser ## Take the documents' pictures again
	@TAKE_PICTURES=1 $(BIN)/pytest -q -n 2 --dist loadfile $(PICTURES:%=tests/browser/%.py)
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
	@if command -v uv > /dev/null; then uv venv --quiet --seed --python $(PYTHON) $(VENV); \
		else $(PYTHON) -m venv $(VENV) || \
		{ echo "The venv module is missing; on Debian: apt install python3-venv"; exit 1; }; fi

# uv takes a tenth of pip's time. pip stays for machines whose packages are found by its settings
# alone, which uv does not read.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/python -m uv --quiet pip install --python $(BIN)/python
INSTALL = { $(PIP) "uv>=0.5" && $(UV) -e ".[$(1)]"; } || $(PIP) -e ".[$(1)]"

# The bundle comes first, so that the build of the package has nothing to build.
$(VENV)/.demo: pyproject.toml $(VENV)/bin/python | $(BUNDLE)
	@echo "== Installing the package with JupyterLab (a minute or two the first time)"
	@$(call INSTALL,demo)
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/bin/python | $(BUNDLE)
	@echo "== Installing the package with its test tools (a minute or two the first time)"
	@$(call INSTALL,dev)
	@touch $@ $(VENV)/.demo

js/node_modules/.ready: js/package.json js/package-lock.json
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || \
		{ echo "Node.js 20 or newer is needed, with npm: see nodejs.org or your package manager"; exit 1; }
	@echo "== Installing the front end's tools"
	@npm --prefix js ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUNDLE): js/node_modules/.ready inductiva_widgets/design_tokens.json $(shell find js/src js/build.mjs js/design_tokens.mjs js/tsconfig.json -type f 2>/dev/null)
	@echo "== Building the front end"
	@npm --prefix js run --silent build
