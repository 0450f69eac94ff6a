# The first call of a target sets up .venv with everything that a checkout needs.
PYTHON ?= python3
BIN := .venv/bin
RUN := PYTHONPATH=tests $(BIN)/python
SOURCES := src tests native entrypoint.py

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench fuzz differential docs pictures lock serve format clean

help:  ## Lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready  ## Publishes a few packages to a local channel server and installs one from there
	$(RUN) -m demo

serve: .venv/ready  ## Runs the local channel server, for manual testing
	$(RUN) -m localchannel

test: .venv/ready  ## Runs the whole test suite; container tests need a Docker engine
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --cov

lint: .venv/ready  ## Checks style, types, layers, workflows, Dockerfile and action.yml
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml */action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .
	$(BIN)/hadolint Dockerfile

bench: .venv/ready  ## Compares speed and memory with other ways to upload
	$(RUN) -m bench

docs: .venv/ready  ## Generates the parts of the documentation that are derived from code and tests
	PYTHONPATH=src:tests $(BIN)/python -m documents

pictures: .venv/ready  ## Takes the pictures of the job summary in docs/images; needs Chromium
	PYTHONPATH=src:tests $(BIN)/python -m pictures

DURATION ?= 60
fuzz: .venv/ready  ## Fuzzes the readers for DURATION seconds (Linux on x86_64); keeps corpus and findings in .fuzz
	PYTHONPATH=src:tests $(BIN)/python -m fuzz $(DURATION) .fuzz

differential: .venv/ready  ## Compares the readers with the real clients for DURATION seconds (Linux); keeps findings in .fuzz
	PYTHONPATH=src:tests $(BIN)/python -m differential $(DURATION) .fuzz

format: .venv/ready  ## Formats the code
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

lock: .venv/ready  ## Recompiles requirements/*.txt from requirements/*.in, with the latest versions
	for name in runtime dev; do \
	    $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --excludes requirements/$$name.excluded.txt --custom-compile-command 'make lock' \
	        --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

# --no-deps, because the lock files leave out PyGithub, which actions-toolkit requires.
.venv/ready: requirements/dev.txt
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
	    --requirement requirements/dev.txt
	touch $@

clean:  ## Removes what the other targets leave behind
	rm -rf .venv .coverage .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
