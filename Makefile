# DeviceHub: `make demo` shows it, `make check test` is what CI runs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# More than the test extra: `make test EXTRAS=export`.
EXTRAS ?=
PYTEST_ARGS ?= -n 2

comma  := ,
space  := $(subst ,, )
WANTED := $(strip test $(EXTRAS))
TESTS  := $(VENV)/.installed-$(subst $(space),-,$(WANTED))

.PHONY: setup demo check test chaos bench wheel clean

setup: $(VENV)/.installed

# The package without extras: enough to use it.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DeviceHub needs Python 3.11 or newer; set PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(TESTS): $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(subst $(space),$(comma),$(WANTED))]'
	@touch $@

demo: setup
	@$(BIN)/devicehub demo

check: $(TESTS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck agent/*.sh tests/*.sh

test: $(TESTS)
	@sh tests/install_shells.sh
	$(BIN)/pytest $(PYTEST_ARGS)

# Many random runs to which things happen; CHAOS_FIRST=N begins with another seed.
chaos: $(TESTS)
	CHAOS_SEEDS=$(or $(CHAOS_SEEDS),200) $(BIN)/pytest $(PYTEST_ARGS) tests/chaos -k seed

bench: $(TESTS)
	$(BIN)/python -m tests.bench

wheel: $(TESTS)
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
