# Every habit of this repository. Each target makes what it needs: Python, pip and cargo are all a machine must have.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BENCH ?=
ENV := .venv
RUN := $(CURDIR)/$(ENV)/bin/python
SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi')
WHEEL := dist/.built

.PHONY: help demo example example-short test test-rust test-python test-pythons test-clients test-upstream bench bench-quick layers instructions check format answers clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(UV):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv

# The wheel is built as a user's would be: released, by the build backend that pyproject.toml names.
$(WHEEL): $(UV) $(SOURCES)
	rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist --python $(PYTHON)
	touch $@

# $(1): environment, $(2): python, $(3): what to install beside the wheel
define environment
	$(UV) venv --quiet --clear --no-python-downloads --python $(2) $(1)
	$(UV) pip install --quiet --python $(1)/bin/python $(3) dist/*.whl
endef

$(ENV)/.ready: $(WHEEL) tests/requirements.txt
	$(call environment,$(ENV),$(PYTHON),-r tests/requirements.txt)
	touch $@

.venv-clients/.ready: $(WHEEL) tests/clients/requirements.txt
	$(call environment,.venv-clients,$(PYTHON),-r tests/clients/requirements.txt)
	touch $@

.demo/.ready: $(WHEEL) examples/flights/requirements.txt
	$(call environment,.demo,$(PYTHON),-r examples/flights/requirements.txt)
	touch $@

demo: .demo/.ready ## one epoch of a real DataLoader over a real table, and what it was fed
	.demo/bin/python examples/flights/demo.py

.example/.ready: $(WHEEL) examples/digits/requirements.txt
	$(call environment,.example,$(PYTHON),-r examples/digits/requirements.txt)
	touch $@

example: .example/.ready ## what an encoder learns from shuffled and from composed batches: table and picture, two minutes
	.example/bin/python examples/digits/run.py

example-short: .example/.ready ## the same with one seed and few epochs, and what must come out of it
	.example/bin/python -m pytest examples/digits

test: test-rust test-python ## build the wheel, install it afresh, run all tests

test-rust: ## the core alone: needs no Python
	cargo test --quiet --locked

test-python: $(ENV)/.ready ## all Python tests, against the installed wheel
	cd tests && $(RUN) -m pytest

test-pythons: $(WHEEL) ## the same wheel on the oldest and the newest Python of this machine, without dataframe libraries
	tests/other_pythons.sh $(abspath $(UV))

.venv-upstream/.ready: $(WHEEL) tests/upstream_environment.sh benches/requirements.txt
	tests/upstream_environment.sh $(abspath $(UV))
	touch $@

test-clients: .venv-clients/.ready ## the frameworks that drive a batch sampler, in an environment of their own
	cd tests/clients && ../../.venv-clients/bin/python -m pytest --disable-warnings

test-upstream: .venv-upstream/.ready ## whole epochs against upstream's own sampler, which takes Python 3.12
	cd tests && ../.venv-upstream/bin/python -m pytest upstream_compare.py

bench: .venv-upstream/.ready ## time and memory beside the rivals, half an hour; BENCH='--rows 100000' for some sizes, '--help' for more
	.venv-upstream/bin/python benches/bench.py $(BENCH)

bench-quick: .venv-upstream/.ready ## whether the benchmark runs: everything once, on a small table
	.venv-upstream/bin/python benches/bench.py --quick

layers: ## time of the core's layers, each by itself
	cargo bench --quiet --locked --bench layers

instructions: ## count the instructions of a batch anew; needs valgrind
	benches/instructions.sh

check: $(ENV)/.ready ## format, lints with warnings denied, types, stubs
	cargo fmt --check
	cargo clippy --quiet --locked --all-targets -- --deny warnings
	cargo clippy --quiet --locked --all-targets --features python -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --quiet --locked --no-deps
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy --strict python/cascade_sampler
	cd tests && $(RUN) -m mypy.stubtest cascade_sampler._core

format: $(ENV)/.ready ## put code into the shape that check wants
	cargo fmt
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

answers: $(ENV)/.ready ## write the known answers again, from numpy alone
	$(RUN) tests/known_answers/make.py
	$(RUN) tests/known_answers/make_dealt.py

clean: ## remove everything that was made
	rm -rf $(TOOLS) $(ENV) .venv-* .demo .example dist target
