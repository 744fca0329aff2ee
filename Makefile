# Every habit of this repository. Each target makes what it needs: Python, pip and cargo are all a machine must have.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
# Tests start hundreds of processes that import torch, for which each takes five seconds longer where what was compiled
# is not kept.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BENCH ?=
ENV := .venv
RUN := $(CURDIR)/$(ENV)/bin/python
SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE THIRD-PARTY-NOTICES.txt $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi')
# Where the wheel is that tests install. With WHEELS=dist it is the one that `make release` makes for others.
WHEELS ?= target/wheel
WHEEL := $(WHEELS)/.built

.PHONY: help demo example example-short example-reads notebooks test test-slow test-slow-python test-all test-rust test-plain test-python test-pythons test-clients test-upstream test-minimum fuzz attack sanitize bench bench-quick layers instructions check check-rust check-python deny pins format answers docs test-site release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(UV):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv

# The wheel is built as a user's would be: released, by the build backend that pyproject.toml names. Its own folder is not
# target/wheels, where maturin makes it before it is copied.
target/wheel/.built: $(UV) $(SOURCES)
	rm -rf target/wheel
	$(UV) build --quiet --wheel --out-dir target/wheel --python $(PYTHON)
	touch $@

dist/.built: $(SOURCES)
	$(MAKE) release

.venv-release/.ready: $(UV) release/requirements.txt
	$(UV) venv --quiet --clear --no-python-downloads --python $(PYTHON) .venv-release
	$(UV) pip install --quiet --python .venv-release/bin/python -r release/requirements.txt
	touch $@

release: .venv-release/.ready ## every artefact that others get, made and checked in dist/: 10 minutes
	release/release.sh $(abspath $(UV)) $(abspath .venv-release)

# $(1): environment, $(2): python, $(3): what to install beside the wheel
define environment
	$(UV) venv --quiet --clear --no-python-downloads --python $(2) $(1)
	$(UV) pip install --quiet --python $(1)/bin/python $(3) $(WHEELS)/*-abi3-*.whl
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

notebooks: .example/.ready ## run the three notebooks, and compare with what is stored in them: half a minute
	.example/bin/python -m pytest examples/notebooks

.example-reads/.ready: $(WHEEL) examples/reads/requirements.txt
	$(call environment,.example-reads,$(PYTHON),-r examples/reads/requirements.txt)
	touch $@

READS ?=
example-reads: .example-reads/.ready ## chunks that a batch reads from a zarr store by the length of runs: half a minute; READS='--rows 8192' for a smaller one
	.example-reads/bin/python examples/reads/reads.py $(READS)

test: ## what tells most, on a fresh install of the wheel: 6 minutes, 3 of them to build
	$(MAKE) --jobs=2 --output-sync=target test-rust test-python

test-slow: test-plain test-slow-python ## the tests marked as slow, and the core without vectors: 6 minutes

test-slow-python: $(ENV)/.ready
	cd tests && $(RUN) -m pytest -m slow

test-all: test test-slow ## both

test-rust: ## the core alone, which needs no Python: 2 minutes
	cargo test --quiet --locked --features file

# What is written for vectors has unit tests that run each kind of it; here all that is made of it is run.
test-plain: ## the core once more, as on a processor without vectors: 2 minutes
	RUSTFLAGS='--cfg cascade_plain' cargo test --quiet --locked --features file --test core --target-dir target/plain

test-python: $(ENV)/.ready ## the Python tests but for the slow ones, against the installed wheel: 3 minutes
	cd tests && $(RUN) -m pytest -m "not slow"

test-pythons: $(WHEEL) ## the same wheel on the oldest and the newest Python of this machine, without dataframe libraries
	tests/house/other_pythons.sh $(abspath $(UV)) $(abspath $(WHEELS))

test-minimum: $(WHEEL) ## the same wheel with the lowest version of all that it may be used with
	tests/house/minimum.sh $(abspath $(UV)) $(abspath $(WHEELS))

.venv-upstream/.ready: $(WHEEL) tests/viscy/upstream_environment.sh benches/requirements.txt
	tests/viscy/upstream_environment.sh $(abspath $(UV)) $(abspath $(WHEELS))
	touch $@

test-clients: .venv-clients/.ready ## the frameworks that drive a batch sampler, in an environment of their own
	cd tests/clients && ../../.venv-clients/bin/python -m pytest --disable-warnings

test-upstream: .venv-upstream/.ready ## whole epochs against upstream's own sampler, which takes Python 3.12
	cd tests && ../.venv-upstream/bin/python -m pytest viscy/upstream_compare.py viscy/upstream_own_tests.py

FUZZ_SECONDS ?= 60
fuzz: ## invented tables and settings against slow oracles, FUZZ_SECONDS=60 for each target; needs a nightly toolchain
	fuzz/run.sh $(FUZZ_SECONDS)

attack: $(ENV)/.ready ## what should break the package, on a build that checks overflows: CASCADE_ATTACK_SECONDS=60 for each half
	tests/attack/run.sh $(RUN)

sanitize: ## the core's tests with addresses checked; needs a nightly toolchain
	tests/attack/sanitize.sh

bench: .venv-upstream/.ready ## time and memory beside the rivals, half an hour; BENCH='--rows 100000' for some sizes, '--billion' for an index of 10^9 rows, '--help' for more
	.venv-upstream/bin/python benches/bench.py $(BENCH)

bench-quick: .venv-upstream/.ready ## whether the benchmark runs: everything once, on a small table
	.venv-upstream/bin/python benches/bench.py --quick

layers: ## time of the core's layers, each by itself
	cargo bench --quiet --locked --bench layers

instructions: ## count the instructions of a batch anew; needs valgrind
	benches/instructions.sh

check: check-rust check-python ## format, lints with warnings denied, types, stubs, licences, workflows

check-rust:
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --quiet --locked --all-targets -- --deny warnings
	cargo clippy --quiet --locked --all-targets --features python -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --quiet --locked --no-deps
	$(PYTHON) release/notices.py --check

check-python: $(ENV)/.ready .venv-release/.ready
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy --strict python/cascade_sampler tests/house/typed.py
	cd tests && $(RUN) -m mypy.stubtest cascade_sampler._core
	.venv-release/bin/zizmor --offline --quiet .github
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	.venv-release/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

# Built once for all checkouts, since it takes minutes; unoptimised, since what it does takes a second.
DENY := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cascade-sampler/cargo/bin/cargo-deny
$(DENY):
	cargo install --quiet --debug --locked --root $(abspath $(dir $@)..) cargo-deny@0.20.2

# The database of advisories is fetched from where not every machine reaches; ADVISORIES=advisories asks it.
ADVISORIES ?=
deny: $(DENY) ## licences and sources of what is linked, and with ADVISORIES=advisories what is known against it
	PATH="$(dir $(DENY)):$$PATH" cargo deny --locked check bans licenses sources $(ADVISORIES)

pins: $(UV) ## write the versions of every tool and library that tests, documentation and releases use anew
	for list in $$(git ls-files '*requirements.in'); do \
		$(UV) pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --upgrade $$list -o $${list%.in}.txt; \
	done

format: $(ENV)/.ready ## put code into the shape that check wants
	cargo fmt
	cargo fmt --manifest-path fuzz/Cargo.toml
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

answers: $(ENV)/.ready ## write the known answers again, from numpy alone
	$(RUN) tests/known_answers/make.py
	$(RUN) tests/known_answers/make_dealt.py
	$(RUN) tests/known_answers/make_index.py

.venv-docs/.ready: $(UV) docs/requirements.txt
	$(UV) venv --quiet --clear --no-python-downloads --python $(PYTHON) .venv-docs
	$(UV) pip install --quiet --python .venv-docs/bin/python -r docs/requirements.txt
	touch $@

docs: .venv-docs/.ready ## the documentation as a site in site/, broken links are errors: 15 seconds, and 15 more the first time
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

test-site: docs $(ENV)/.ready ## each page of the site in chromium, on a phone and on a desk, in light and in dark
	cd tests && $(RUN) -m pytest house/site_in_browser.py

clean: ## remove everything that was made
	rm -rf $(TOOLS) $(ENV) .venv-* .demo .example .example-reads dist site target
