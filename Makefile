# The commands of this repository. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
BENCH := .venv-bench/bin
RECIPE ?= laptop

.DEFAULT_GOAL := help
.PHONY: help run test check lab notebooks slides bench corpus quality samples clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The package and what it needs. Repeated only when the list of packages changes.
$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "smollab needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "installing smollab into $(VENV) (a few minutes the first time)"
	@$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	@echo "installing the tools for tests"
	@$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

run: $(BIN)/.installed  ## the main job: from web pages and PDFs to a small model and a report (RECIPE=laptop)
	@$(BIN)/smollab run $(RECIPE)

test: $(BIN)/.installed-dev  ## the whole test suite, notebooks included
	$(BIN)/python -m pytest -n 2 --dist loadfile tests
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 notebooks

check: $(BIN)/.installed-dev  ## style, types, layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

lab: $(BIN)/.installed  ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/notebooks/0_1_tour.ipynb

notebooks: $(BIN)/.installed-dev  ## run the notebooks and store their outputs
	$(BIN)/python scripts/execute_notebooks.py

slides: $(BIN)/.installed  ## build the slides as HTML and PDF (needs node and chromium)
	$(BIN)/python scripts/build_slides.py

# The peers need other versions of some packages than we pin, so they live in an environment of their own.
$(BENCH)/.installed: pyproject.toml
	@$(PYTHON) -m venv .venv-bench
	@echo "installing smollab and its peers into .venv-bench (a few minutes the first time)"
	@$(BENCH)/python -m pip --disable-pip-version-check install --quiet "$(shell grep '^torch==' constraints.txt)" -e ".[bench]"
	@touch $@

bench: $(BENCH)/.installed  ## measure ours against others, side by side
	$(BENCH)/python benchmarks/import_time.py
	$(BENCH)/python benchmarks/training_step.py
	$(BENCH)/python benchmarks/training_step.py --compile
	$(BENCH)/python benchmarks/training_step.py --logging
	$(BENCH)/python benchmarks/memory.py
	$(BENCH)/python benchmarks/start_time.py
	$(BENCH)/python benchmarks/document_masking.py
	$(BENCH)/python benchmarks/generation.py
	$(BENCH)/python benchmarks/extraction.py
	$(BENCH)/python benchmarks/pdf.py
	$(BENCH)/python benchmarks/pdf_sources.py --only "smollab, pymupdf" "PyMuPDF, plain" "pypdfium2, plain"
	$(BENCH)/python benchmarks/ocr.py
	$(BENCH)/python benchmarks/curation.py
	$(BENCH)/python benchmarks/deduplication.py
	$(BENCH)/python benchmarks/scaling.py
	$(BENCH)/python -m pytest -q -n 0 tests/curate/test_datatrove_adapter.py

corpus: $(BIN)/.installed-dev  ## build a larger corpus from Debian's documentation (needs apt-get and dpkg)
	$(BIN)/python scripts/build_corpus.py

quality: $(BIN)/.installed  ## fit the educational-quality model anew to data_samples/quality/
	@$(BIN)/python scripts/fit_quality_model.py

samples: $(BIN)/.installed-dev  ## rebuild data_samples/ from its sources (needs apt-get and dpkg)
	$(BIN)/python scripts/build_data_samples.py

clean:  ## remove the environment and everything built; runs/ stays
	rm -rf $(VENV) .venv-bench build slides/build slides/figures slides/node_modules .mypy_cache .pytest_cache .ruff_cache
