# One command per job; .ci/run and the pre-commit hooks call the same ones.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz fuzz-ci mutate bench-fuzz bench-fuzz-wake lint format compile bench-gas bench-gas-check lock clean

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

ARGS ?=
WORKERS ?= 2
SOLIDITY := contracts

help: ## Tell what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## Install what the lock files say into .venv and node_modules
	@tools/setup

demo: compile ## Replay a real crash on a local chain (ARGS="--data ...")
	steelyard demo $(ARGS)

test: compile ## Pass the tests (ARGS="-k ...", WORKERS=2)
	pytest -n $(WORKERS) $(ARGS)

fuzz: compile ## Play the contracts against the exact model (ARGS="--minutes 5", WORKERS=2)
	steelyard fuzz --workers $(WORKERS) $(ARGS)

fuzz-ci: compile ## Play the campaign that gates each change, and leave what it found in build/fuzz
	rm -rf build/fuzz
	COLUMNS=160 steelyard fuzz --steps 1000000 --minutes 7 --workers $(WORKERS) --failures build/fuzz/failures \
	  --junit build/fuzz/junit.xml $(ARGS)

mutate: compile ## Play the fuzzer on mutants of the libraries (ARGS="--sample 150")
	@tools/mutator
	python -m steelyard.fuzz.mutation $(ARGS)

bench-fuzz: compile ## Measure the fuzzer beside the bare EVM
	python -m tests.bench.fuzz $(ARGS)

bench-fuzz-wake: compile ## Measure the fuzzer beside eth-wake's
	tests/bench/wake/setup
	python -m tests.bench.wake $(ARGS)

lint: setup ## Check format, lint and types, Python and Solidity
	ruff check .
	ruff format --check .
	mypy
	forge fmt --check $(SOLIDITY)
	solhint --disc --noPoster --max-warnings 0 '$(SOLIDITY)/**/*.sol'

format: setup ## Format Python and Solidity
	ruff check --fix-only --quiet .
	ruff format .
	forge fmt $(SOLIDITY)

compile: setup ## Compile the contracts with ape
	@tools/compile

bench-gas: compile ## Measure gas and bytecode sizes into snapshots/gas.json
	python -m tests.bench.gas $(ARGS)

bench-gas-check: compile ## Compare gas and bytecode sizes with snapshots/gas.json
	python -m tests.bench.gas --check $(ARGS)

lock: setup ## Refresh the lock files from pyproject.toml and package.json
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header --no-annotate --quiet -o requirements.lock
	npm install --package-lock-only --loglevel=error

clean: ## Remove what was installed and built
	rm -rf .venv .venv-wake node_modules .solcx .build build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info tools/*/*.egg-info
