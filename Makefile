# Two commands are enough: `make run` and `make test`. They need Python 3.11 or later, a C compiler and make.
#
# Everything lives in .venv and build/, behind stamp files: a command that has nothing to do does nothing.
# PYTHON=python3.13 make test    chooses the interpreter that .venv is made from.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
JOBS ?= auto

PYTHON_SOURCES := $(shell find miden -name '*.py')
CORE_SOURCES := $(wildcard miden/_core/*.pyx miden/_core/*.pxd miden/_core/*.pxi miden/_core/*.h miden/_core/ops/*.h miden/_core/ops/*.pxd)
CORE_LIBRARY := miden/corelib/core.masl
CORE_LIBRARY_SOURCES := $(shell find miden/corelib/asm -name '*.masm') $(wildcard miden/corelib/build.py)
ACTORS := miden/actors/runtimes/masm
ACTOR_LIBRARY := $(ACTORS)/actor.masl
ACTOR_LIBRARY_SOURCES := $(shell find $(ACTORS)/asm -name '*.masm') $(wildcard $(ACTORS)/build.py)
STAMP_VENV := $(VENV)/.stamp-venv
STAMP_TOOLS := $(VENV)/.stamp-tools
STAMP_INSTALL := $(VENV)/.stamp-install
STAMP_CORE := $(VENV)/.stamp-core
STAMP_BYTECODE := $(VENV)/.stamp-bytecode
STAMP_DEV := $(VENV)/.stamp-dev

ASAN_LIB := build/asan/lib
STAMP_ASAN := build/asan/.stamp
ASAN_TESTS ?= tests/unit/_core tests/unit/machine tests/unit/vm tests/unit/ipld tests/property/test_ipld_hostile.py tests/differential tests/conformance tests/examples
# Promises about time are not kept under a sanitizer, and those of the assembler, the store and its disks have none of the core.
# The library of Keccak cannot be loaded under the address sanitizer, and the guide of actors starts a compiler of WebAssembly.
ASAN_IGNORE := --ignore=tests/conformance/test_promise_sources.py --ignore-glob='tests/conformance/test_store_*' \
	--ignore=tests/conformance/test_providers.py --ignore=tests/differential/test_core_libraries_agree.py \
	--deselect='tests/examples/test_guides.py::test_the_commands_of_a_guide_print_what_it_says[actors]' \
	--deselect=tests/conformance/test_promise_files.py::test_r22_a_megabyte_takes_less_than_a_second_and_little_memory
COMPILER ?= cc

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test fast build bench lint gen docs asan fuzz wheel clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: build ## build, install, and run every program of examples/
	@for program in examples/*.masm; do \
		echo; echo "$$ miden run $$program"; $(BIN)/miden run $$program || exit $$?; done; \
	echo; echo "ran $$(ls examples/*.masm | wc -l) programs; their text, with comments, is in examples/"

test: build $(STAMP_DEV) ## run the whole test suite
	$(BIN)/python -m pytest -n $(JOBS)

fast: build $(STAMP_DEV) ## run the tests that take little time
	$(BIN)/python -m pytest -n $(JOBS) -q -m "not slow and not property and not fuzz"

build: $(STAMP_BYTECODE) $(CORE_LIBRARY) $(ACTOR_LIBRARY) ## make .venv, compile the core, assemble the libraries, install the package in place

bench: build ## measure cold start, and speed beside the reference where its harness is built
	$(BIN)/python benchmarks/compare.py

lint: build $(STAMP_DEV) ## check style and types
	$(BIN)/ruff check
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint miden/_core

gen: build ## write the generated files again
	$(BIN)/python tools/gen_core.py
	$(BIN)/python tools/gen_docs.py

docs: build $(STAMP_DEV) ## write the reference pages and check links and examples of the documents
	$(BIN)/python tools/gen_docs.py
	$(BIN)/python -m pytest -q tests/meta/test_documents.py

asan: build $(STAMP_DEV) $(STAMP_ASAN) ## run the core's tests under the address and undefined-behaviour sanitizers
	@$(BIN)/python setup.py -q build_py --build-lib $(ASAN_LIB)
	LD_PRELOAD="$$($(COMPILER) -print-file-name=libasan.so) $$($(COMPILER) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc PYTHONPATH=$(ASAN_LIB) \
	$(BIN)/python -m pytest -n $(JOBS) -q -o pythonpath="$(ASAN_LIB) ." -o timeout=1800 -m "not slow" $(ASAN_IGNORE) $(ASAN_TESTS)

fuzz: build $(STAMP_DEV) ## run random programs and hostile input for a long time
	$(BIN)/python -m pytest -n $(JOBS) -q -m "property or fuzz or slow" --hypothesis-profile=long

wheel: $(STAMP_DEV) ## build the sdist, and the wheel from it, into dist/
	$(BIN)/python -m build --outdir dist .

clean: ## remove what was built, but not .venv
	rm -rf build dist *.egg-info $(CORE_LIBRARY) $(ACTORS)/*.masl miden/_core/*.so miden/_core/*.c $(STAMP_CORE)

$(STAMP_VENV):
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or later was found; set PYTHON"; exit 1; }
	@test -x $(BIN)/python || { echo "creating $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@$(PIP) --upgrade "pip>=25.1"
	@touch $@

$(STAMP_TOOLS): $(STAMP_VENV) pyproject.toml
	@echo "installing what the build needs"
	@$(PIP) --group build
	@touch $@

# `compat` puts one path file into .venv: an import hook, the default, would cost every start some milliseconds. Where a
# later setuptools no longer knows it, the default has to do.
$(STAMP_INSTALL): $(STAMP_TOOLS) pyproject.toml setup.py
	@echo "installing miden and what it needs"
	@PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --config-settings editable_mode=compat -e . || $(PIP) --no-build-isolation -e .
	@touch $@

$(STAMP_CORE): $(STAMP_INSTALL) $(CORE_SOURCES) setup.py
	@echo "compiling the core"
	@$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(CORE_LIBRARY): $(STAMP_CORE) $(CORE_LIBRARY_SOURCES)
	@echo "assembling the core library"
	@$(BIN)/python -m miden.corelib.build

$(ACTOR_LIBRARY): $(CORE_LIBRARY) $(ACTOR_LIBRARY_SOURCES)
	@echo "assembling the libraries of actors"
	@$(BIN)/python -m miden.actors.runtimes.masm.build

# An installed package has its bytecode; one that is used in place gets it here, whatever PYTHONDONTWRITEBYTECODE says.
$(STAMP_BYTECODE): $(STAMP_CORE) $(PYTHON_SOURCES)
	@$(BIN)/python -m compileall -q miden
	@touch $@

$(STAMP_DEV): $(STAMP_INSTALL) pyproject.toml
	@echo "installing what the tests need"
	@$(PIP) --group dev
	@touch $@

$(STAMP_ASAN): $(STAMP_TOOLS) $(CORE_SOURCES) setup.py
	@echo "compiling the core with sanitizers"
	@MIDEN_SANITIZE=1 $(BIN)/python setup.py -q build_ext --build-lib $(ASAN_LIB) --build-temp build/asan/temp
	@touch $@
