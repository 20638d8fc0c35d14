# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
# Both cores; one worker a core.
PYTEST_ARGS ?= -n auto

.DEFAULT_GOAL := help
.PHONY: help venv lock demo sandbox test test-scale test-contract test-kube control-plane bench bench-quick bench-server check format generate clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Create .venv from constraints.txt (every other target does it when needed)

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (once)..."
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

lock: ## Take the newest versions that pyproject.toml allows into constraints.txt
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@(echo "# Every version that was tested together; made by 'make lock'."; $(BIN)/pip freeze --exclude-editable) > constraints.txt
	@touch $(STAMP)

demo: $(STAMP) ## Nine businesses go live on this machine; KEEP=1 leaves it running for kubectl
	@$(BIN)/tenant-operator sandbox --apply manifests/samples $(if $(KEEP),,--until-ready)

sandbox: $(STAMP) ## An empty sandbox: fakes, API server, operator
	@$(BIN)/tenant-operator sandbox

test: $(STAMP) ## All tests that need nothing but Python
	@$(PYTEST) $(PYTEST_ARGS) -m 'not kube and not scale'

test-scale: $(STAMP) ## Hundreds and thousands of tenants at once: what shows only then
	@$(BIN)/python -m tests.controlplane build
	@$(PYTEST) $(PYTEST_ARGS) -m scale tests/engine
	@TEST_CLUSTER=real $(PYTEST) -m scale tests/operator

test-contract: $(STAMP) ## What we send and what the fakes answer, against the providers' own specifications
	@$(PYTEST) $(PYTEST_ARGS) tests/contract

test-kube: $(STAMP) ## The operator and conformance suites on a real kube-apiserver (built once, about 7 minutes)
	@$(BIN)/python -m tests.controlplane build
	@# One after the other: an operator sees every provider of its cluster, also those of other suites.
	@TEST_CLUSTER=real $(PYTEST) $(PYTEST_ARGS) tests/controlplane tests/conformance
	@TEST_CLUSTER=real $(PYTEST) -m kube tests/cli
	@TEST_CLUSTER=real $(PYTEST) $(PYTEST_ARGS) -m 'not scale' tests/operator

bench: $(STAMP) ## Speed of the operator beside a floor and plain kopf, on a real API server; 50 minutes, writes bench/RESULTS.md
	@$(BIN)/python -m tests.controlplane build
	@$(BIN)/python -m bench

bench-quick: $(STAMP) ## The same with few tenants, in under two minutes; writes nothing
	@$(BIN)/python -m tests.controlplane build
	@$(BIN)/python -m bench --quick

bench-server: $(STAMP) ## Speed and memory of the embedded API server
	@$(BIN)/python -m bench.embedded_server

control-plane: $(STAMP) ## A throwaway kube-apiserver for people; prints its kubeconfig
	@$(BIN)/python -m tests.controlplane

check: $(STAMP) ## Lint, types, import directions, generated files up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy controller
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- crds docs/reference || (echo "Generated files differ: run 'make generate' and commit."; exit 1)
	@test -z "$$(git ls-files --others --exclude-standard crds docs/reference)" || (echo "Generated files are not committed."; exit 1)
	@echo "check passed"

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

generate: $(STAMP) ## Write crds/ and docs/reference/ anew from the models
	@$(BIN)/python -m controller.api.crd crds
	@$(BIN)/python -m controller.api.reference docs/reference
	@$(BIN)/python -m controller.runtime.settings_reference docs/reference

clean: ## Remove what make created
	@rm -rf $(VENV) .sandbox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
