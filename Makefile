# Two commands matter: `make demo` and `make test`. Each sets itself up.
# Python parts go to .venv, everything else that is made goes to .cache (both ignored by git).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Parallelism is inside the targets (pytest-xdist); their order here is meant.
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache
WORKERS ?= 2
# Groups of lab tests at once; each has a virtual machine or two, and an emulated one keeps a core busy.
LAB_HOSTS ?= 2
export ANSIBLE_NOCOLOR ?= 1
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: help setup setup-test demo test sandbox lab lab-test lab-full bench bench-forecast bench-placement bench-race bench-roadef docs clean \
        packages lint types units units-target units-312 sanity integration package

help: ## Show the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

# ---- set-up -------------------------------------------------------------------------------------------------------

setup: $(VENV)/.setup-core ## Make .venv with everything that `foresight.capacity.site` needs, and link the collection into it.
	@$(BIN)/python tests/tools/check_link.py

setup-test: setup $(VENV)/.setup-test

$(VENV)/bin/python:
	@bash tests/tools/make_venv.sh $(VENV)

$(VENV)/.setup-core: requirements-core.txt requirements-ml.txt | $(VENV)/bin/python
	@echo "Installing the controller's Python packages into $(VENV) (once; a few minutes) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-core.txt -r requirements-ml.txt
	@touch $@

$(VENV)/.setup-test: requirements-test.txt $(VENV)/.setup-core
	@echo "Installing the test tools into $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

packages: ## Install the Debian packages of the full test when root; else name them.
	@bash tests/tools/packages.sh

# ---- the two commands ---------------------------------------------------------------------------------------------

demo: setup ## This machine's facts, a recorded history and a Proxmox sandbox: the whole site, with apply, and the report.
	@$(BIN)/python tests/tools/demo.py

test: setup-test packages lint units units-target units-312 sanity integration package lab-test ## Everything; parts whose tools are missing are skipped with a reason.
	@echo "make test: all parts ended well."

# ---- the Proxmox sandbox -------------------------------------------------------------------------------------------

SANDBOX_STATE ?= tests/unit/sandbox/data/state.json
SANDBOX_PORT ?= 8006

sandbox: setup ## Serve an imitated Proxmox VE cluster at https://127.0.0.1:8006 until Ctrl-C (SANDBOX_STATE, SANDBOX_PORT).
	@$(BIN)/python tests/sandbox serve --state $(SANDBOX_STATE) --base-port $(SANDBOX_PORT)

# ---- parts of the test ---------------------------------------------------------------------------------------------

lint: types ## ruff, mypy, import-linter, ansible-lint, changelog and documentation lint.
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	PYTHONPATH=$(CACHE)/typing $(BIN)/lint-imports --no-cache
	$(BIN)/antsibull-changelog lint
	$(BIN)/python tests/tools/stage.py
	cd $(CACHE)/stage/ansible_collections/foresight/capacity && PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_INVENTORY=inventories/sandbox ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/$(CACHE)/stage" "$(CURDIR)/$(BIN)/ansible-lint" --offline --profile production -q
	cd $(CACHE)/stage/ansible_collections/foresight/capacity && PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/$(CACHE)/stage" "$(CURDIR)/$(BIN)/antsibull-docs" lint-collection-docs --plugin-docs --skip-rstcheck .

types: setup-test ## mypy strict over plugin_utils, module_utils and the sandbox.
	@mkdir -p $(CACHE)/typing/ansible_collections/foresight && ln -sfn "$(CURDIR)" $(CACHE)/typing/ansible_collections/foresight/capacity
	MYPYPATH=$(CACHE)/typing $(BIN)/mypy $(addprefix $(CACHE)/typing/ansible_collections/foresight/capacity/plugins/,plugin_utils module_utils)
	cd tests && "$(CURDIR)/$(BIN)/mypy" --config-file ../pyproject.toml --cache-dir ../$(CACHE)/mypy -p sandbox

units: setup-test ## Unit and property tests on the venv's Python.
	$(BIN)/python -m pytest -n $(WORKERS) -q tests/unit

units-target: setup-test ## Target-side code on Python 3.8 to 3.13, as far as they are installed.
	$(BIN)/python tests/tools/target_pythons.py

units-312: setup-test ## Unit tests of what meets ansible-core on Python 3.12 with its newer core, if there is a Python 3.12 (TESTS=tests/unit for all).
	@bash tests/tools/units_312.sh $(WORKERS) $(TESTS)

sanity: setup-test ## ansible-test sanity with an empty ignore file.
	$(BIN)/python tests/tools/stage.py
	bash tests/tools/sanity.sh

integration: setup-test ## Playbooks and plugins as a user runs them; other people's Proxmox clients before the sandbox.
	$(BIN)/python tests/tools/third_party_clients.py
	@# Playbooks and the servers they talk to wait for each other a fifth of the time: one worker more.
	$(BIN)/python -m pytest -n $$(($(WORKERS) + 1)) -q tests/integration
	$(BIN)/python tests/tools/stage.py
	bash tests/tools/integration.sh

package: setup-test ## Build the tarball, install it elsewhere and use it from there.
	$(BIN)/python tests/tools/package.py

# ---- VM lab --------------------------------------------------------------------------------------------------------

lab: setup ## Bring two lab hosts up and write inventories/lab.
	$(BIN)/python tests/lab up --hosts 2

lab-test: setup-test ## Real LVM over real SSH: ext4 and xfs end to end, a refusal of each kind, five faults.
	$(BIN)/python -m pytest -q -n $(LAB_HOSTS) --dist loadscope -m "not full" tests/lab

lab-full: setup-test ## Every case in the lab; goes on where it was interrupted (FRESH=1 starts over); writes docs/volumes.md. No time limit.
	@[ -z "$(FRESH)" ] || rm -f $(CACHE)/lab/results.jsonl
	$(BIN)/python -m pytest -q -n $(LAB_HOSTS) --dist loadscope --resume tests/lab
	$(BIN)/python tests/lab report

# ---- the rest ------------------------------------------------------------------------------------------------------

bench: setup-test ## All benchmarks; their tables are what docs/benchmarks.md quotes.
	@status=0; for script in tests/benchmarks/*_bench.py; do echo "== $$script"; $(BIN)/python "$$script" || status=1; done; exit $$status

bench-forecast: setup-test ## How good forecasts are beside the baselines, and what they cost (FORECAST='--quick' for options). An hour.
	$(BIN)/python tests/benchmarks/forecast_bench.py $(FORECAST)

bench-roadef: setup-test ## How good a local search is on machine reassignment, ROADEF/EURO 2012, in FORESIGHT_DATA (ROADEF='--instances a1_1' for options).
	$(BIN)/python tests/benchmarks/roadef_bench.py $(ROADEF)

bench-placement: setup-test ## What every strategy makes of the clusters in FORESIGHT_DATA, with bounds (PLACEMENT='--clusters classic_s1' for options).
	$(BIN)/python tests/benchmarks/placement_bench.py $(PLACEMENT)

bench-race: setup-test ## Whether better forecasts make better volumes: usage replayed under three ways of planning (RACE='--quick' for options). Hours.
	$(BIN)/python tests/benchmarks/race_bench.py $(RACE)

docs: setup-test ## Plugin documentation as HTML, and what is generated from the code.
	$(BIN)/python tests/tools/docs.py

clean: ## Remove what these targets made in this checkout.
	-[ ! -x $(BIN)/python ] || $(BIN)/python tests/lab down
	rm -rf $(VENV) $(CACHE) build collections report tests/output
