# `make run` and `make test` are all that most people need; each makes .venv first if it is missing.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8501
PAGE ?=
QUERY ?=
CHAPTER ?=
SLUG ?=
TITLE ?=
ARGS ?=

PY := $(VENV)/bin/python
# Each serves the app and opens a browser of its own: more than four want much memory.
PROCESSES := -n auto --maxprocesses 4 --max-worker-restart 0
TYPED := explainers figures ui pages app.py assets benchmarks skeleton tests/deploy tests/faults
PIP := $(PY) -m pip install --disable-pip-version-check --quiet
# Stamps: pip runs again only after a requirements file has changed.
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help install run test test-quick lint format bench bench-pages bench-stage bench-pad bench-load \
  bench-memory bench-hosted screenshot new-lessons new-topic clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(PY):
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt | $(PY)
	$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | $(PY)
	$(PIP) -r requirements-dev.txt
	@touch $(RUN) $@

install: $(DEV) ## Make .venv with everything a contributor needs

run: $(RUN) ## Serve the app (PORT=8501)
	$(PY) -m streamlit run app.py --server.port $(PORT) $(ARGS)

test: $(DEV) ## Run every test, the browser's too (ARGS='-k name', one after another: ARGS=-n0)
	$(PY) -m pytest $(PROCESSES) $(ARGS)

test-quick: $(DEV) ## Run the tests that need neither browser nor server
	$(PY) -m pytest $(PROCESSES) -m 'not browser and not server' $(ARGS)

lint: $(DEV) ## Check style, types and the direction of imports
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(TYPED)
	$(VENV)/bin/lint-imports

format: $(DEV) ## Put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: bench-pages bench-stage bench-pad bench-load bench-memory bench-hosted ## Run every benchmark (20 min)

bench-pages: $(DEV) ## Time the pages beside an empty one (ARGS='--rounds 3 --pages affine-grid')
	$(PY) -m benchmarks.settle $(ARGS)

bench-stage: $(DEV) ## Weigh every lesson on the stage (ARGS='--pages views'; --record)
	$(PY) -m benchmarks.stage $(ARGS)

bench-pad: $(DEV) ## Time the scratchpad's round trip (ARGS='--repeats 10'; --record)
	$(PY) -m benchmarks.pad $(ARGS)

bench-load: $(DEV) ## Time 32 readers at once (ARGS='--seconds 10'; --record writes RESULTS.md)
	$(PY) -m benchmarks.load $(ARGS)

bench-memory: $(DEV) ## Weigh 2,000 reruns, and 200 sessions come and gone (ARGS='--reruns 200')
	$(PY) -m benchmarks.memory $(ARGS)

bench-hosted: $(DEV) ## The last two through two workers behind nginx (ARGS=--record)
	$(PY) -m benchmarks.load --workers 2 $(ARGS)
	$(PY) -m benchmarks.memory --workers 2 $(ARGS)

screenshot: $(DEV) ## Take the README's picture (PAGE=slug QUERY='degrees=30')
	$(PY) -m assets.screenshot $(if $(PAGE),--page '$(PAGE)') $(if $(QUERY),--query '$(QUERY)') $(ARGS)

new-lessons: $(DEV) ## Write a new page of lessons (CHAPTER=tensors SLUG=views TITLE='Views')
	@$(PY) -m skeleton lessons '$(CHAPTER)' '$(SLUG)' '$(TITLE)'

new-topic: $(DEV) ## Write a new page with figures of its own (the same three)
	@$(PY) -m skeleton topic '$(CHAPTER)' '$(SLUG)' '$(TITLE)'

clean: ## Remove caches; .venv stays
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
