# make testserve   sets up and serves the site on http://127.0.0.1:8000
# make test        passes its tests
# The other targets: make help

PYTHON ?= python3
INI ?= development.ini
# The address of testserve: ARGS="127.0.0.1:8123" make testserve
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# PYTHONDONTWRITEBYTECODE would slow down every start; ignore it here.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' Makefile | sort | sed 's/:.*## /\t/' | expand -t 14

# The environment. A stamp file marks each completed step.

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; takes a minute)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.txt setup.py pyproject.toml
	@echo "Installing the dependencies"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@echo "Installing what the tests need"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: install dev
install: $(VENV)/installed  ## Install the program and its locked dependencies into .venv.

dev: $(VENV)/installed-dev  ## Also install what tests and checks need.

# The site.

.PHONY: initdb migrate schedule testserve demo
initdb migrate: $(VENV)/installed  ## Create or migrate the tracker's database.
	@$(BIN)/alembic -c $(INI) upgrade head

schedule: $(VENV)/installed  ## Import the schedule.
	@$(BIN)/streaming-system -c $(INI) schedule import

var/tracker.sqlite: $(VENV)/installed $(wildcard alembic/versions/*.py)
	@$(BIN)/alembic -c development.ini upgrade head
	@touch $@

testserve demo: INI := development.ini
# The command line cannot override settings of an ini file, so make changes a copy.
testserve demo: SERVED = $(if $(ARGS),var/testserve.ini,$(INI))

define SET_UP
@if [ "$$(id -u)" = 0 ]; then \
	echo "Warning: the site runs as root; do that on a machine for trials only" >&2; fi
@# The sample event is laid around the moment of its import, so it is renewed every day.
@if [ -z "$$(find var/schedule.json -mtime -1 2>/dev/null)" ]; then \
	$(BIN)/streaming-system -c $(INI) schedule import || [ -f var/schedule.json ]; fi
@$(BIN)/streaming-system -c $(INI) admin create --if-none
@$(if $(ARGS),umask 027; sed 's|^address = .*|address = $(ARGS)|; s|%(here)s|$(CURDIR)|g' $(INI) > var/testserve.ini)
endef

testserve: $(VENV)/installed var/tracker.sqlite  ## Set up and serve the site.
	$(SET_UP)
	@echo "Serving on http://$(or $(ARGS),127.0.0.1:8000)"
	@exec $(BIN)/pserve $(SERVED)

demo: $(VENV)/installed var/tracker.sqlite  ## Serve the site with streams, thumbnails and viewers (needs ffmpeg).
	$(SET_UP)
	@exec $(BIN)/streaming-system -c $(SERVED) agent demo

# The checks.

.PHONY: check test test-exhaustive lint format faults bench bench-check bench-costs bench-viewers capacity bench-balance bench-growth bench-first-frame bench-agent fuzz lock
PYTEST := $(BIN)/python -m pytest
# Tests of servers and agents wait most of the time. Browser tests of a file share a site.
WORKERS ?= $$(($$(nproc) + 2))
BROWSERS ?= $$(nproc)
OTHER_TESTS := -n $(WORKERS) --dist worksteal --ignore tests/e2e
BROWSER_TESTS := -n $(BROWSERS) --dist loadscope -p no:schemathesis -p no:hypothesispytest tests/e2e

check: lint  ## Run the fast checks and tests: style, types, unit tests, parsers, documentation (90 seconds).
	@$(PYTEST) -n auto -m "not slow and not exhaustive" \
		tests/unit tests/parsers tests/test_docs.py tests/test_isolation.py

# Browser tests run beside the others: each of them leaves a part of the processors idle.
define RUN_TESTS
@log=$$(mktemp); \
$(PYTEST) $(1) $(BROWSER_TESTS) >"$$log" 2>&1 & browser=$$!; \
trap 'kill $$browser; exit 130' INT TERM; \
$(PYTEST) $(1) $(OTHER_TESTS); status=$$?; \
wait $$browser || status=$$?; cat "$$log"; rm "$$log"; exit $$status
endef

test: lint  ## Pass all checks, and every test that guards behaviour.
	$(call RUN_TESTS,-m "not exhaustive")

test-exhaustive: export TESTS_EXHAUSTIVE := 1
test-exhaustive: $(VENV)/installed-dev  ## Pass what is only worth it now and then: all faults, both databases, more examples.
	@# Fault tests share one site and have deadlines: a fixed order gives them the same load each time.
	$(call RUN_TESTS,-p no:randomly -m "exhaustive or deep")

lint: $(VENV)/installed-dev  ## Check style, types, imports and vocabulary.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tools/vocabulary.py

format: $(VENV)/installed-dev  ## Format the code.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

faults: $(VENV)/installed-dev  ## Run the fault-injection tests, and write their results to docs/explanation/faults.md.
	@$(BIN)/python benchmarks/faults.py

bench: $(VENV)/installed-dev  ## Measure everything that has a goal (needs wrk, nginx): ARGS="--only room,index".
	@$(BIN)/python -W ignore benchmarks/bench.py $(ARGS)

bench-check: $(VENV)/installed-dev  ## Find regressions against the committed results: ARGS="--results FILE".
	@$(BIN)/python -W ignore benchmarks/bench_check.py $(ARGS)

bench-balance: $(VENV)/installed-dev  ## Simulate load balancing; takes a few minutes.
	@$(BIN)/python benchmarks/balance.py --json benchmarks/balance.json

bench-growth: $(VENV)/installed-dev  ## Measure the cost of queries in a grown database.
	@$(BIN)/python -W ignore benchmarks/growth.py

bench-first-frame: $(VENV)/installed-dev  ## Measure the time to the first frame of a room's page.
	@$(BIN)/python benchmarks/first_frame.py

bench-agent: $(VENV)/installed-dev  ## Measure the agent's memory and CPU time.
	@$(BIN)/python benchmarks/agent.py

bench-costs: $(VENV)/installed-dev  ## Measure the cost of each kind of request (needs nginx).
	@$(BIN)/python -W ignore benchmarks/costs.py

bench-viewers: $(VENV)/installed-dev  ## Simulate an event's viewers, 1,000 to 100,000 (needs nginx): ARGS="--viewers 1000".
	@cd benchmarks && $(CURDIR)/$(BIN)/python -W ignore -m viewers $(ARGS)

capacity: $(VENV)/installed-dev  ## Calculate the hardware for an event from these costs: ARGS="--viewers 5000".
	@$(BIN)/python benchmarks/capacity.py $(ARGS)

fuzz: $(VENV)/installed-dev  ## Fuzz the feed parsers for a minute.
	@$(PIP) install --require-hashes -r requirements-fuzz.txt
	@$(BIN)/python benchmarks/fuzz_feeds.py

lock: $(VENV)/installed-dev  ## Update the lock files (UPGRADE=1: newest versions).
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra postgresql -o requirements.txt setup.py requirements-build.in
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra sentry --extra otel --extra redis -c requirements.txt -o requirements-extras.txt setup.py
	@$(LOCK) $(if $(UPGRADE),--upgrade) -c requirements.txt -c requirements-extras.txt -o requirements-dev.txt requirements-dev.in
	@$(LOCK) $(if $(UPGRADE),--upgrade) -c requirements.txt -o requirements-fuzz.txt requirements-fuzz.in

.PHONY: lighthouse pictures
lighthouse: $(VENV)/installed-dev  ## Run Lighthouse on a running site: URL=http://… (needs npm).
	@$(BIN)/python tools/lighthouse.py $(or $(URL),http://127.0.0.1:8000) $(PAGES)

pictures: $(VENV)/installed-dev  ## Take screenshots of a running site: URL=http://… TO=folder
	@$(BIN)/python tools/pictures.py $(or $(URL),http://127.0.0.1:8000) $(or $(TO),var/pictures)

.PHONY: vendor
vendor: $(VENV)/installed-dev  ## Download the third-party browser libraries (needs npm).
	@$(BIN)/python tools/vendor.py

.PHONY: catalogues
catalogues: $(VENV)/installed-dev  ## Update the translation catalogues.
	@$(BIN)/python tools/catalogues.py

.PHONY: reference docs
reference: $(VENV)/installed  ## Update everything in the documentation that comes from the code.
	@$(BIN)/python tools/config_reference.py
	@$(BIN)/python tools/privacy_tables.py
	@$(BIN)/python tools/reference.py

docs: $(VENV)/installed-dev  ## Build the documentation into var/docs.
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -d var/docs-cache docs var/docs
	@echo "Open var/docs/index.html"


.PHONY: server-configurations
server-configurations: $(VENV)/installed  ## Update conf/servers, and the files in the documentation.
	@$(BIN)/python tools/server_configurations.py

.PHONY: audit sbom wheel wheels release
audit: $(VENV)/installed  ## Check the locked packages for known vulnerabilities.
	@$(BIN)/python tools/audit.py

sbom: $(VENV)/installed-dev  ## Write the software bill of materials to dist/sbom.json (CycloneDX).
	@$(BIN)/python tools/sbom.py dist/sbom.json

wheel: $(VENV)/installed  ## Build a reproducible wheel.
	@$(BIN)/python tools/build_wheel.py dist

wheels: wheel  ## Also download the wheels that it needs, for machines without a connection.
	@$(PIP) download --require-hashes --only-binary :all: -r requirements.txt -d dist

release: $(VENV)/installed-dev  ## Build and tag a release: VERSION=1.2.0
	@$(BIN)/python tools/release.py "$(VERSION)"

# Clean up.

.PHONY: clean distclean
clean:  ## Remove files of tests and checks.
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## Remove everything that make has created.
	@rm -rf $(VENV) src/streaming_system.egg-info
	@rm -f var/tracker.sqlite var/tracker.sqlite-wal var/tracker.sqlite-shm \
		var/schedule.json var/schedule.report.json var/plugins.json var/testserve.ini var/advisories.json
	@rm -rf var/workers
	@rmdir var 2>/dev/null || true
