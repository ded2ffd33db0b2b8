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

.PHONY: setup demo check test test-export chaos soak bench wheel clean

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
	@sh tests/install_programs.sh
	$(BIN)/pytest $(PYTEST_ARGS) --reruns 1 -rR

# Exports by every recipe from random models; with EXTRAS=export, some ten minutes on two cores.
test-export: $(TESTS)
	$(BIN)/pytest $(PYTEST_ARGS) -m 'recipes or slow' tests/export

# Many random runs to which things happen; CHAOS_FIRST=N begins with another seed.
chaos: $(TESTS)
	CHAOS_SEEDS=$(or $(CHAOS_SEEDS),200) $(BIN)/pytest $(PYTEST_ARGS) tests/chaos -k seed

# Ten minutes of mishaps for a hub with ten virtual phones; SOAK_MINUTES says how many else.
soak: $(TESTS)
	$(BIN)/python -m tests.soak --minutes $(or $(SOAK_MINUTES),10)

bench: $(TESTS)
	$(BIN)/python -m tests.bench $(BENCH)

wheel: $(TESTS)
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
