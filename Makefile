# What one does all day, by a short name. In an environment with `pip install -e ".[dev,docs]"`.

PYTHON ?= python

.PHONY: lint types tests docs ci coverage

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	lint-imports

types:
	$(PYTHON) -m mypy

tests:
	$(PYTHON) -m pytest -n 2

docs:
	$(PYTHON) -m sphinx -W --keep-going -n -q -j 2 docs site

ci:
	.ci/run

# What tests run of the code, compiled functions included, which are plain Python for once. Docs: coverage.
coverage:
	NUMBA_DISABLE_JIT=1 $(PYTHON) -m coverage run -m pytest -n 0
	$(PYTHON) -m coverage combine
	$(PYTHON) -m coverage report
