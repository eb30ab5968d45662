# Each target makes the environment it needs (.venv) once; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint docs bench clean types

BIN := .venv/bin
READY := .venv/.vidkit-ready
VIDKIT_OUT ?= demo_output
# Real videos and annotations, if there are any: VIDKIT_TEST_DATA=/path make test
export VIDKIT_TEST_DATA

# Test files run side by side, each on one core; the tests of a file stay together, as they share what they make.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile

# Runs a command and tells its time; the set-up told its own before.
timed = start=$$(date +%s); status=0; { $(1); } || status=$$?; \
	echo "make $@: $$(($$(date +%s) - start)) s (without the set-up)"; exit $$status

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(READY)  ## make .venv and install vidkit into it

$(READY): setup.cfg pyproject.toml tools/make_venv.sh
	@bash tools/make_venv.sh .venv && touch $@

demo: $(READY)  ## the whole story on generated videos; prints where the report is
	@$(call timed,$(BIN)/vidkit demo --out $(VIDKIT_OUT))

test: $(READY)  ## the tests that are neither slow nor need a GPU
	@$(call timed,$(BIN)/pytest $(SIDE_BY_SIDE))

test-all: $(READY)  ## all tests, slow ones too, with the time of the slowest
	@$(call timed,$(BIN)/pytest $(SIDE_BY_SIDE) -m "not gpu" --durations=25)

lint: $(READY) types  ## ruff, mypy, codespell
	@$(call timed,$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/codespell)

docs: $(READY) types  ## build the site into site/, warnings are errors
	@$(call timed,NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "site/index.html")

bench: $(READY)  ## measure speed on this machine
	@$(call timed,$(BIN)/python tools/benchmark.py)

clean:  ## remove everything that make made, but for .venv
	rm -rf build dist site demo_output .mypy_cache .ruff_cache .pytest_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# Type checkers and mkdocstrings do not follow package_dir; a tree of links shows them one package.
types:
	@mkdir -p build/types/vidkit
	@find build/types/vidkit -xtype l -delete
	@ln -sfn "$$PWD"/{tasks,registry,configs} "$$PWD"/vidkit/* build/types/vidkit/
