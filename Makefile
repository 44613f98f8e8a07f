# What a developer does often, in an environment with `pip install -e '.[dev]'`. `.ci/run` does the same in a fresh one.
.PHONY: check test docs serve notebooks dist

check:  # style, which room imports which, types
	ruff check .
	ruff format --check .
	lint-imports
	mypy

test:
	pytest

docs:  # the site, into site/: a warning is an error, and a broken link is a warning (`--quiet` would silence both)
	mkdocs build --strict

serve:  # the site, as it is written
	mkdocs serve

notebooks:  # makes docs/notebooks/*.ipynb of the .py files there, and runs them: a minute each
	TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 jupytext --quiet --set-kernel python3 --to ipynb --execute docs/notebooks/*.py
	jupyter nbconvert --log-level=WARN --to notebook --inplace docs/notebooks/*.ipynb \
		--TagRemovePreprocessor.enabled=True --TagRemovePreprocessor.remove_all_outputs_tags=quiet \
		--ClearMetadataPreprocessor.enabled=True --ClearMetadataPreprocessor.clear_notebook_metadata=False

dist:  # wheel and sdist, into dist/
	rm -rf dist
	python -m build --no-isolation
	twine check --strict dist/*
