# What a developer does often, in an environment with `pip install -e '.[dev]'`. `.ci/run` does the same in a fresh one.
.PHONY: check test dist

check:  # style, which room imports which, types
	ruff check .
	ruff format --check .
	lint-imports
	mypy

test:
	pytest

dist:  # wheel and sdist, into dist/
	rm -rf dist
	python -m build --no-isolation
	twine check --strict dist/*
