# Two commands matter: `make run` (the product on this machine) and `make test`. `make` alone lists them all.
.DEFAULT_GOAL := help
.PHONY: help run test check fix bench install install-dev messages clean

PY := .venv/bin/python
# Servers for a command: `make run`'s own if it runs, else started for the time of the command.
WITH_SERVERS := $(PY) -m deploy.embedded run
WITH_TEST_SERVERS := $(PY) -m deploy.embedded run --tests
REQUIREMENTS := requirements.txt requirements-web.txt requirements-local.txt requirements-nodeps.txt constraints.txt
# More words for pytest, the checks or the benchmarks: make test ARGS="-x vehicles", make check ARGS=types
ARGS ?=

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.installed-run ## the whole product on this machine, with demo data; Ctrl-C stops it
	@exec $(PY) -m deploy.local

test: .venv/.installed-dev ## all tests, with a real PostgreSQL, Redis and Chromium
	@sh deploy/chromium.sh
	@sh deploy/gstreamer.sh
	@$(PY) -m recognition.weights
	@exec $(PY) -m deploy.testing $(ARGS)

check: .venv/.installed-dev ## ruff, mypy, import floors, templates, migrations, API schema, translations
	@exec $(WITH_TEST_SERVERS) -- $(PY) -m deploy.checks $(ARGS)

fix: .venv/.installed-dev ## mend what the linters and formatters can mend by themselves
	-@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .
	-@.venv/bin/djlint --reformat --quiet templates

bench: .venv/.installed-dev .venv/.installed-bench ## the benchmarks (make bench ARGS=name for one)
	@exec $(WITH_TEST_SERVERS) -- $(PY) -m benchmarks $(ARGS)

install: .venv/.installed-run ## only install what `make run` needs

install-dev: .venv/.installed-dev ## only install what `make test` and `make check` need

messages: .venv/.installed-dev ## collect texts to translate and compile the translations
	@exec $(WITH_SERVERS) -- $(PY) manage.py translations

clean: ## remove caches and the test servers' data; keeps .venv, .env and the data of `make run`
	@rm -rf var/test var/test-[2-9] staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

.venv/.installed-run: $(REQUIREMENTS)
	@python=$$(PYTHON='$(PYTHON)' sh deploy/python.sh) && exec $$python -m deploy.install run

# The peer that ours is measured beside; nothing of the product.
.venv/.installed-bench: requirements-bench.txt .venv/.installed-dev
	@$(PY) -m pip install -q -r requirements-bench.txt && touch $@

.venv/.installed-dev: $(REQUIREMENTS) requirements-dev.txt
	@python=$$(PYTHON='$(PYTHON)' sh deploy/python.sh) && exec $$python -m deploy.install dev
