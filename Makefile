# Everything a newcomer needs: `make run` shows it working, `make test` proves it.
PYTHON ?= python3
EXPORTS ?= 48
RUNS ?= 30
DAYS ?= 400
JOBS ?= 100
SLOTS ?= 12
ROWS ?=
BIN := .venv/bin
CODE := app.py bench examples infra lambdas local snapshots tools tests

.PHONY: help install run up down test nightly test-anyday test-shifted test-iam browser screenshots chaos chaos-selftest model mutants bench bench-growth bench-forecast bench-burst bench-cold bench-idle check costs openapi docs permissions docs-site fmt lock clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed .venv/bin/snapshots node_modules/.installed .local/wheels/.installed  ## Install what the project needs, here in its folder

run: install  ## Deploy to an embedded account and export EXPORTS=48 dashboards
	@exec $(BIN)/python -m local.run --exports $(EXPORTS)

up: install  ## Start the embedded account with the stack, and keep it running
	@exec $(BIN)/python -m local.up

down:  ## Stop what `make up` keeps running
	@test ! -x $(BIN)/python || exec $(BIN)/python -m local.down

test: install $(if $(CHROMIUM),,browser)  ## Run the tests, on two workers; TESTS=tests/unit chooses
	$(BIN)/python -m pytest -n 2 $(TESTS)

nightly: install  ## Run the tests that take too long for `make test`; TESTS chooses
	$(BIN)/python -m pytest -n 2 --nightly $(TESTS)

test-anyday: install  ## Unit and flow tests at four dates, in other zones, widths, locales, orders (long; TESTS)
	@$(BIN)/python -m tests.anyday $(TESTS)

# jsii takes the entries of its cache, whose files have the machine's time, for stale ones then.
test-shifted: install browser .local/shifted_clock.so  ## The tests with every process's clock DAYS=400 ahead (Linux; TESTS)
	JSII_RUNTIME_PACKAGE_CACHE=disabled CLOCK_SHIFT_DAYS=$(DAYS) LD_PRELOAD=$(abspath .local/shifted_clock.so) $(BIN)/python -m pytest -n 2 $(TESTS)

test-iam: install  ## The end-to-end tests on an embedded account that enforces IAM
	E2E_IAM=1 $(BIN)/python -m pytest --with-nightly tests/e2e

browser: .local/chromium/.installed  ## Install the Chromium of the browser tests (CHROMIUM=<path> tests with another)

screenshots: install browser  ## Take the pictures of the burst report and the live page anew
	$(BIN)/python -m tests.browser.screenshot

chaos: install  ## Crash points, interleavings, tenants, faults on the running stack, IAM enforced, fuzz (PARTS="points ..." for some)
	@PYTHONPATH=lambdas $(BIN)/python -m tests.chaos $(PARTS)

chaos-selftest: install  ## Plant deliberate bugs in copies and show which suite catches each
	@PYTHONPATH=lambdas $(BIN)/python -m tests.chaos.selftest

model: install  ## Explore the protocol's model, and with each fault put back (docs/model.md)
	@$(BIN)/python -m tests.model

mutants: install  ## A small fault in each condition and branch: is it seen? (MODULES="store gate" for some)
	@PYTHONPATH=lambdas $(BIN)/python -m tests.mutants $(MODULES)

bench: install  ## Ours beside what others do, on the same job times (JOBS=100, ROWS="names of rows"; SLOTS=100 on virtual time)
	@$(BIN)/python -m bench.compare --jobs $(JOBS) --slots $(SLOTS) --rows "$(ROWS)"

bench-growth: install  ## What an export costs with 100 to 100,000 waiting
	@PYTHONPATH=lambdas POWERTOOLS_LOG_LEVEL=CRITICAL $(BIN)/python -m bench.growth

bench-forecast: install  ## The forecast against what happened, in 30 seeded runs (RUNS=30)
	@PYTHONPATH=lambdas POWERTOOLS_LOG_LEVEL=CRITICAL POWERTOOLS_SERVICE_NAME=bench $(BIN)/python -m bench.accuracy --runs $(RUNS)

bench-burst: install  ## A burst of 100,000 recipients: time, memory, calls
	@PYTHONPATH=lambdas POWERTOOLS_LOG_LEVEL=CRITICAL $(BIN)/python -m bench.burst

bench-idle: install  ## One export where nothing else runs: acceptance to start, end to file in place
	@$(BIN)/python -m bench.idle

bench-cold: install  ## Processor time of cold starts, with and without compiled code
	@PYTHONPATH=lambdas $(BIN)/python -m bench.cold

check: install  ## Lint, types, state machine, template, generated pages, links
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/python -m tools.validate
	$(BIN)/python -m tools.openapi --check
	$(BIN)/python -m tools.reference --check
	$(BIN)/python -m tools.links
	PYTHONPATH=lambdas $(BIN)/python -m bench.costs --check

costs: install  ## Write docs/costs.md from the template and bench/prices.json
	PYTHONPATH=lambdas $(BIN)/python -m bench.costs

openapi: install  ## Write docs/openapi.json from the API's code
	$(BIN)/python -m tools.openapi

permissions: install  ## Write docs/permissions.md from the template and what was seen to be called
	@PYTHONPATH=lambdas POWERTOOLS_LOG_LEVEL=CRITICAL $(BIN)/python -m tests.infra.permissions

docs: install  ## Write the reference pages from the code: metrics, messages, events
	$(BIN)/python -m tools.reference

docs-site: install .venv/.docs-installed  ## Build the pages as a site in .local/site/html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m tools.site

fmt: install  ## Format the code and fix what the linter can fix
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lock: .venv/.installed  ## Resolve requirements.in anew, in the two locked files
	$(BIN)/pip install --quiet uv==0.13.9
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --quiet requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --quiet -c requirements.txt lambdas/requirements.in -o lambdas/requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --quiet -c requirements.txt docs/requirements.in -o docs/requirements.txt

clean: down  ## Remove all that the other commands made
	rm -rf .venv node_modules tests/browser/node_modules .local cdk.out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This project needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Choose another with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	@touch $@

# The command line, as `pip install .` makes it, but running from this folder.
.venv/bin/snapshots: pyproject.toml .venv/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { \
	  echo "This project needs Node.js 20 or newer with npm, for the AWS CDK: https://nodejs.org"; exit 1; }
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' || { \
	  echo "This project needs Node.js 20 or newer; this is $$(node --version)."; exit 1; }
	npm ci --no-update-notifier --no-audit --no-fund --loglevel=error
	@touch $@

.local/shifted_clock.so: tests/anyday/shifted_clock.c
	@mkdir -p $(@D)
	cc -O1 -shared -fPIC -o $@ $< -ldl

# Apart from node_modules, since only tests need it: 64 MB to fetch, 250 MB on disk. None of its scripts run.
.local/chromium/.installed: tests/browser/package.json tests/browser/package-lock.json tests/browser/unpack.mjs
	cd tests/browser && npm ci --ignore-scripts --no-update-notifier --no-audit --no-fund --loglevel=error
	node tests/browser/unpack.mjs $(@D)
	@touch $@

# Only the site needs it.
.venv/.docs-installed: docs/requirements.txt .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

# The functions' wheels for this machine, so that a deployment to the embedded account needs no network.
.local/wheels/.installed: lambdas/requirements.txt .venv/.installed
	@mkdir -p $(@D)
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps -r lambdas/requirements.txt -d $(@D)
	@touch $@
