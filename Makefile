# The four commands a person needs. Each sets itself up first: .venv is filled again only when the pins change.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.filled
CASE := notebooks/cases/unexpected-callback
BENCH :=

.PHONY: demo test lint cover bench notebooks pins tshark chromium

# `fedtrace analyze` ends with 1 when a pair of domains is failing: here that is what it is meant to show.
demo: $(READY)
	@echo "$(BIN)/fedtrace analyze $(CASE)"
	@$(BIN)/fedtrace analyze $(CASE) || test $$? -eq 1

test: $(READY) tshark chromium
	$(BIN)/pytest

# All four speak, also when the first finds something.
lint: $(READY)
	@failed=0; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
	    echo "$$check"; $(BIN)/$$check || failed=1; \
	done; \
	exit $$failed

# Every branch of these must be reached by a test: a mistake here is a wrong verdict.
EXACT := parsers/wire/*,analyzer/machines/*,analyzer/correlator.py,analyzer/judge.py,analyzer/verdict.py

cover: $(READY) tshark chromium
	$(BIN)/pytest --cov --cov-report=
	$(BIN)/coverage report --skip-covered --show-missing
	$(BIN)/coverage report --skip-covered --show-missing --include='$(EXACT)' --fail-under=100

# `make bench BENCH=--quick` for a small run; `BENCH=--help` says what else there is.
bench: $(READY)
	$(BIN)/python -m benchmarks $(BENCH)

# Run anew, so that what they show on a forge is what they would show here.
notebooks: $(READY) tshark
	$(BIN)/python -m notebooks.run

$(READY): pyproject.toml requirements/pins.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "fedtrace needs Python 3.11 or later; name one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv \
	    || { echo "no virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/pins.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Some tests hold fedtrace beside tshark, some open its pages in a browser. Without them they are skipped, which CI forbids.
tshark chromium:
	@command -v $@ >/dev/null || { \
	    as_root=; test "$$(id -u)" -eq 0 || as_root="sudo -n"; \
	    command -v apt-get >/dev/null && $$as_root true 2>/dev/null \
	        && $$as_root apt-get update -qq \
	        && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $@ >/dev/null; \
	} || echo "$@ is missing and could not be installed, so tests that need it are skipped;" \
	          "install it (Debian: apt-get install $@) and run this again" >&2

# The pins are what a fresh environment resolves to, on the oldest Python that we support.
pins:
	rm -rf .venv && $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --group dev .
	{ sed '/^[^#]/d' requirements/pins.txt; $(BIN)/python -m pip freeze --exclude fedtrace; } > requirements/pins.new
	mv requirements/pins.new requirements/pins.txt
