# Everything starts from a bare Python 3.11 or newer: each target makes what it needs.
PYTHON ?= python3
# On Linux, PyPI's torch brings gigabytes of CUDA. PyTorch's own CPU wheels are smaller:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PIP_FLAGS = -q -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
BIN = .venv/bin
# One thread: small models run up to 100 times slower on two when the machine is busy.
export OMP_NUM_THREADS = 1

.PHONY: demo test attacks lab check build record format peers bench clean

demo: .venv/core
	$(BIN)/glassbox grade tests/data/class --out out --fresh --secret tests/data/course-secret.txt

lab: .venv/core
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) exercises/m0_toy_transformer.ipynb

test: .venv/dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

attacks: .venv/fuzz
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/attacks

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/glassbox build --check
	$(BIN)/glassbox record --check

build: .venv/core
	$(BIN)/glassbox build

record: .venv/core
	$(BIN)/glassbox record

# Other libraries agree: an environment for each group of them (2 GB each, made at first).
peers: .venv/core
	$(BIN)/python tests/peers/run.py

# Twenty minutes on a quiet machine, and an environment for the peers at first.
bench: .venv/core
	$(BIN)/glassbox bench grading

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Glassbox needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	@# Python 3.11's first pips do not resolve extras under constraints.
	$(BIN)/python -m pip install -q --upgrade 'pip>=24'

.venv/core: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing the course into .venv (a minute or two)"
	$(BIN)/python -m pip install $(PIP_FLAGS) -e .
	@touch $@

.venv/dev: .venv/core
	$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	@touch $@

.venv/fuzz: .venv/dev
	@# There is not a package of atheris for every Python: without it one test is skipped.
	-$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[fuzz]'
	@touch $@

clean:
	rm -rf .venv out
