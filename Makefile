# make testserve   sets everything up and serves the site on http://127.0.0.1:8000
# make test        passes its tests
# The other targets: make help

PYTHON ?= python3
INI ?= development.ini
# Where testserve listens: ARGS="127.0.0.1:8123" make testserve
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# Who has told Python not to keep what it compiles would pay for that at each start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Say what there is.
	@grep -hE '^[a-z-]+:.*## ' Makefile | sort | sed 's/:.*## /\t/' | expand -t 14

# The environment. A stamp stands for each step, so that nothing is done twice.

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

dev: $(VENV)/installed-dev  ## Install what tests and checks need, too.

# The site.

.PHONY: initdb migrate schedule testserve demo
initdb migrate: $(VENV)/installed  ## Create the tracker's database, or bring it up to date.
	@$(BIN)/alembic -c $(INI) upgrade head

schedule: $(VENV)/installed  ## Import the schedule.
	@$(BIN)/streaming-system -c $(INI) schedule import

var/tracker.sqlite: $(VENV)/installed $(wildcard alembic/versions/*.py)
	@$(BIN)/alembic -c development.ini upgrade head
	@touch $@

testserve demo: INI := development.ini
# What an ini sets cannot be overridden on the command line, so a copy says it.
testserve demo: SERVED = $(if $(ARGS),var/testserve.ini,$(INI))

define SET_UP
@if [ "$$(id -u)" = 0 ]; then \
	echo "Warning: the site runs as root; do that on a machine for trials only" >&2; fi
@# The sample event is laid around the moment of its import, so it is renewed every day.
@if [ -z "$$(find var/schedule.json -mtime -1 2>/dev/null)" ]; then \
	$(BIN)/streaming-system -c $(INI) schedule import || [ -f var/schedule.json ]; fi
@$(BIN)/streaming-system -c $(INI) admin create --if-none
@$(if $(ARGS),sed 's|^address = .*|address = $(ARGS)|; s|%(here)s|$(CURDIR)|g' $(INI) > var/testserve.ini)
endef

testserve: $(VENV)/installed var/tracker.sqlite  ## Set everything up and serve the site.
	$(SET_UP)
	@echo "Serving on http://$(or $(ARGS),127.0.0.1:8000)"
	@exec $(BIN)/pserve $(SERVED)

demo: $(VENV)/installed var/tracker.sqlite  ## Serve the site with streams, pictures and viewers (needs ffmpeg).
	$(SET_UP)
	@exec $(BIN)/streaming-system -c $(SERVED) agent demo

# The checks.

.PHONY: check test test-exhaustive lint format faults bench bench-check bench-costs bench-viewers capacity bench-balance bench-growth bench-first-frame bench-agent fuzz lock
PYTEST := $(BIN)/python -m pytest
# Tests of servers and agents wait most of the time. Browser tests of a file share a site.
WORKERS ?= $$(($$(nproc) + 1))
BROWSERS ?= $$(nproc)
OTHER_TESTS := -n $(WORKERS) --dist worksteal --ignore tests/e2e
BROWSER_TESTS := -n $(BROWSERS) --dist loadscope -p no:schemathesis -p no:hypothesispytest tests/e2e

check: lint  ## Style, types, unit and parser tests, documentation: a first answer, in 90 seconds.
	@$(PYTEST) -n auto -m "not slow and not exhaustive" \
		tests/unit tests/parsers tests/test_docs.py tests/test_isolation.py

test: lint  ## Pass all checks, and every test that guards behaviour.
	@# Browser tests run beside the others: each of them leaves a part of the processors idle.
	@log=$$(mktemp); \
	$(PYTEST) -m "not exhaustive" $(BROWSER_TESTS) >"$$log" 2>&1 & browser=$$!; \
	trap 'kill $$browser; exit 130' INT TERM; \
	$(PYTEST) -m "not exhaustive" $(OTHER_TESTS); status=$$?; \
	wait $$browser || status=$$?; cat "$$log"; rm "$$log"; exit $$status

test-exhaustive: $(VENV)/installed-dev  ## Pass what is only worth it now and then: all faults, both databases, more examples.
	@TESTS_EXHAUSTIVE=1 $(PYTEST) -m "exhaustive or deep" $(OTHER_TESTS)
	@TESTS_EXHAUSTIVE=1 $(PYTEST) -m "exhaustive or deep" $(BROWSER_TESTS)

lint: $(VENV)/installed-dev  ## Check style, types and imports.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python tools/vocabulary.py

format: $(VENV)/installed-dev  ## Put the code in order.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

faults: $(VENV)/installed-dev  ## Break everything once, and write what that does into docs/faults.md.
	@$(BIN)/python benchmarks/faults.py

bench: $(VENV)/installed-dev  ## Measure all that has a goal (needs wrk, nginx): ARGS="--only room,index".
	@$(BIN)/python -W ignore benchmarks/bench.py $(ARGS)

bench-check: $(VENV)/installed-dev  ## Name what got slower than what was committed: ARGS="--results FILE".
	@$(BIN)/python -W ignore benchmarks/bench_check.py $(ARGS)

bench-balance: $(VENV)/installed-dev  ## Simulate how viewers are shared out; takes a few minutes.
	@$(BIN)/python benchmarks/balance.py --json benchmarks/balance.json

bench-growth: $(VENV)/installed-dev  ## Measure what look-ups cost when the database has grown.
	@$(BIN)/python -W ignore benchmarks/growth.py

bench-first-frame: $(VENV)/installed-dev  ## Measure how soon a room's page shows its first frame.
	@$(BIN)/python benchmarks/first_frame.py

bench-agent: $(VENV)/installed-dev  ## Measure the agent beside a streaming server: memory, processor.
	@$(BIN)/python benchmarks/agent.py

bench-costs: $(VENV)/installed-dev  ## Measure what a viewer's requests cost each program (needs nginx).
	@$(BIN)/python -W ignore benchmarks/costs.py

bench-viewers: $(VENV)/installed-dev  ## Simulate an event's viewers, 1,000 to 100,000 (needs nginx): ARGS="--viewers 1000".
	@cd benchmarks && $(CURDIR)/$(BIN)/python -W ignore -m viewers $(ARGS)

capacity: $(VENV)/installed-dev  ## Work out what an event needs from these costs: ARGS="--viewers 5000".
	@$(BIN)/python benchmarks/capacity.py $(ARGS)

fuzz: $(VENV)/installed-dev  ## Look for feeds that make a parser fail, for a minute.
	@$(PIP) install --require-hashes -r requirements-fuzz.txt
	@$(BIN)/python benchmarks/fuzz_feeds.py

lock: $(VENV)/installed-dev  ## Renew the lists of locked dependencies (UPGRADE=1: newest versions).
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra postgresql -o requirements.txt setup.py requirements-build.in
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra sentry --extra otel -c requirements.txt -o requirements-extras.txt setup.py
	@$(LOCK) $(if $(UPGRADE),--upgrade) -c requirements.txt -c requirements-extras.txt -o requirements-dev.txt requirements-dev.in
	@$(LOCK) $(if $(UPGRADE),--upgrade) -c requirements.txt -o requirements-fuzz.txt requirements-fuzz.in

.PHONY: lighthouse pictures
lighthouse: $(VENV)/installed-dev  ## Ask Lighthouse about the pages of a site that runs: URL=http://… (needs npm).
	@$(BIN)/python tools/lighthouse.py $(or $(URL),http://127.0.0.1:8000) $(PAGES)

pictures: $(VENV)/installed-dev  ## Take pictures of the pages of a site that runs: URL=http://… TO=folder
	@$(BIN)/python tools/pictures.py $(or $(URL),http://127.0.0.1:8000) $(or $(TO),var/pictures)

.PHONY: vendor
vendor: $(VENV)/installed-dev  ## Fetch what browsers need of others' work (needs npm).
	@$(BIN)/python tools/vendor.py

.PHONY: catalogues
catalogues: $(VENV)/installed-dev  ## Bring the words of all languages up to date.
	@$(BIN)/python tools/catalogues.py

.PHONY: audit sbom wheel
audit: $(VENV)/installed  ## Ask whether a locked dependency is known to be vulnerable.
	@$(BIN)/python tools/audit.py

sbom: $(VENV)/installed-dev  ## Write what the program is made of to dist/sbom.json (CycloneDX).
	@$(BIN)/python tools/sbom.py dist/sbom.json

wheel: $(VENV)/installed  ## Build the wheel: the same commit gives the same bytes.
	@$(BIN)/python tools/build_wheel.py dist

# Away with it.

.PHONY: clean distclean
clean:  ## Remove what tests and checks left.
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## Remove everything that make has made, and nothing else.
	@rm -rf $(VENV) src/streaming_system.egg-info
	@rm -f var/tracker.sqlite var/tracker.sqlite-wal var/tracker.sqlite-shm \
		var/schedule.json var/testserve.ini
	@rmdir var 2>/dev/null || true
