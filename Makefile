.DEFAULT_GOAL := help
BIN := .venv/bin
INSTALLED := .venv/.installed
MODELS := .cache/models
REVIEWS := .cache/demo/demo
TESTED := efficientnet-lite0 resemblyzer HuggingFaceTB/SmolLM2-135M-Instruct
ROWS ?= 1800000
export ADVISOR_TEST_MODELS_DIR ?= $(CURDIR)/$(MODELS)

.PHONY: help setup weights demo test serve bench bench-large backtest replay import-bench lint format migrations-check clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 20

setup: $(INSTALLED) ## Make the virtual environment (TORCH=cuda for a CUDA build of torch)

$(INSTALLED): pyproject.toml constraints.txt scripts/install.sh
	@echo "Setting up .venv (once, about two minutes) ..."
	@sh scripts/install.sh

weights: $(INSTALLED) ## Fetch the pretrained weights that the demonstration and the tests use
	@$(BIN)/python -m app.probes.weights --models-dir $(MODELS)
	@$(BIN)/python -m app.demo $(REVIEWS)

demo: $(INSTALLED) ## Run the main job once: recommend, upload, probe, ranking
	@$(BIN)/advisor demo

test: $(INSTALLED) ## Run the tests
	@$(MAKE) --no-print-directory weights || echo "No weights: the tests that need them are skipped"
	@$(BIN)/python -m app.probes.weights $(TESTED) --models-dir $(MODELS) || echo "Some weights are missing: the tests that need them are skipped"
	@$(BIN)/python -m pytest

serve: $(INSTALLED) ## Serve at port 8000, Swagger UI at /docs
	@$(BIN)/advisor serve

bench: $(INSTALLED) ## Measure speed against peers, each in one run
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@$(BIN)/python -m tests.speed

backtest: $(INSTALLED) ## Predict hidden benchmarks of all suites; writes docs/prior.md (about an hour)
	@$(BIN)/python -m app.evaluation.report

replay: $(INSTALLED) ## Spend budgets on recorded fine-tunes; writes docs/probes.md
	@$(BIN)/python -m app.evaluation.replay.report

bench-large: $(INSTALLED) ## Measure /recommend at 1,000, 5,000, 10,000 and 50,000 models (about an hour the first time)
	@$(BIN)/python -m tests.speed.large

import-bench: $(INSTALLED) ## Measure `advisor import` on a corpus of 1.8 million rows (ROWS=... for another size)
	@$(BIN)/python -m tests.import_speed --rows $(ROWS)

lint: $(INSTALLED) ## Linters, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

migrations-check: $(INSTALLED) ## Upgrade, downgrade, upgrade, no drift
	@$(BIN)/python -m pytest tests/db/test_migrations.py

clean: ## Remove the virtual environment, caches and local data
	rm -rf .venv .cache data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
