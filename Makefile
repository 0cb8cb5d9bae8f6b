# Two commands do all the set-up: `make run` and `make test`. Everything lives in .venv and in place.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find gateway -name '*.pyx' -o -name '*.pxd')

.PHONY: run demo test check sanitize bench bench-smoke build dev clean
.DELETE_ON_ERROR:

run: build  ## the demo API with the gateway in front of it
	@exec $(BIN)/python -m gateway demo --with-gateway config/gateway.yaml

demo: build  ## three faults, found, contained, cured and written up, in a minute and a half
	@exec $(BIN)/python -m gateway demo

test: dev  ## every test; those with real processes spend most of their time waiting
	$(BIN)/python -m pytest -q -n 2 --ignore tests/wire --ignore tests/stories
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/wire tests/stories

check: dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint gateway

sanitize: dev  ## the parser tests on a build with bounds checks and AddressSanitizer
	PYTHON=$(CURDIR)/$(BIN)/python tests/run_sanitized.sh

bench: build  ## against nginx, HAProxy, Envoy and aiohttp: loadtests/README.md
	$(BIN)/python -m loadtests bench

bench-smoke: build
	$(BIN)/python -m loadtests smoke

build: $(VENV)/.compiled $(VENV)/.linked
dev: $(VENV)/.dev build

# `import ensurepip` fails on a Debian without python3-venv, after which venv would leave half a folder behind.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or later is needed: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "the venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What pyproject.toml lists is installed first, then our own modules are compiled in place, once, and linked.
PIP := $(BIN)/pip install -q --disable-pip-version-check
LISTED = $(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*$(1), sep="\n")'

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(call LISTED,p["dependencies"]) > $(VENV)/runtime.txt
	$(PIP) 'setuptools>=77' 'cython>=3.1' -r $(VENV)/runtime.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(call LISTED,p["optional-dependencies"]["dev"]) > $(VENV)/dev.txt
	$(PIP) -r $(VENV)/dev.txt
	@touch $@

$(VENV)/.compiled: $(SOURCES) setup.py $(VENV)/.runtime
	$(BIN)/python setup.py -q build_ext --inplace -j $(shell nproc)
	@touch $@

$(VENV)/.linked: $(VENV)/.runtime
	GATEWAY_COMPILE=0 $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
	find gateway -name '*.so' -o -name '*.c' | xargs rm -f
