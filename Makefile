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

# What the tests run of the code. Nothing is compiled, and some tests fail for it: docs/testing.md.
coverage:
	$(PYTHON) -m coverage erase
	-NUMBA_DISABLE_JIT=1 $(PYTHON) -m coverage run -m pytest -p tests.tools.plain_python -n 2 -q
	$(PYTHON) -m coverage combine
	$(PYTHON) -m coverage report
