# Everything a maintainer types. Each target sets up what it needs in .venv; PYTHON picks the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-oldest bench bench-readme bench-once bench-scale bench-instructions bench-record bench-gate check format sanitize fuzz docs clean

demo: $(VENV)/.test
	$(BIN)/aliquot demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -q -m "not slow"
	$(BIN)/python -m pytest -q -m slow

# What reads Parquet and Arrow, with the oldest pyarrow that is supported; `test` has the newest there is.
OLDEST := 26.0.0
OLDEST_TESTS := $(addprefix tests/test_,gather.py rows.py plan.py ranges.py parquet.py pages.py constants.py hostile.py writers.py sources.py sources_types.py)

test-oldest: $(VENV)/.test
	$(BIN)/python -m pip install -q --upgrade --target build/oldest --no-deps pyarrow==$(OLDEST)
	PYTHONPATH=build/oldest $(BIN)/python -m pytest -q -m "not slow" $(OLDEST_TESTS)

bench: $(VENV)/.bench
	$(BIN)/python bench/report.py

# Puts the headlines of bench/results into the README; the tests fail while they disagree.
bench-readme: $(VENV)/.bench
	$(BIN)/python bench/report.py --readme

# How cost grows, and a billion rows on disk (20 GB, an hour): docs/scale.md.
bench-scale: $(VENV)/.bench
	$(BIN)/python bench/scaling.py
	$(BIN)/python bench/billion.py

bench-once: $(VENV)/.bench
	ALIQUOT_BENCH_SMALL=1 $(BIN)/python -m pytest -q -c bench/pytest.ini bench --benchmark-disable
	ALIQUOT_BENCH_SMALL=1 $(BIN)/python bench/scaling.py --rounds 1
	$(BIN)/python bench/billion.py --rows 100000 "1k rows"

# Instructions a row of every kernel under valgrind, held against bench/instructions.json.
bench-instructions: $(VENV)/.test
	$(BIN)/python bench/instructions.py

bench-record: $(VENV)/.test
	$(BIN)/python bench/instructions.py --record

# Two revisions, built in build/sides: make bench-gate BASE=main
bench-gate: $(VENV)/.test
	$(BIN)/python bench/gate.py $(or $(BASE),$(error BASE: must be the revision to compare with))

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(BIN):$$PATH" cython-lint src/aliquot/_kernels
	$(BIN)/clang-format --dry-run --Werror $(CXX_FILES)
	printf '#include "%s"\n' $(HEADERS) | $(CXX) -std=c++20 -fsyntax-only -Wall -Wextra -Wconversion -Werror -Icsrc -x c++ -
	$(BIN)/mypy --strict src

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CXX_FILES)

# The reference of all names, from their docstrings; the guides in docs/ are read as they are.
docs: $(VENV)/.dev
	$(BIN)/python -W error -m pdoc aliquot -d numpy -o build/docs

# The kernels under AddressSanitizer and UndefinedBehaviorSanitizer, built from a copy of the tree beside the normal build.
SANITIZE_TESTS := $(addprefix tests/test_,random.py simple_random.py gather.py weighted.py weights.py row_function.py streaming.py hashing.py coordinated.py reservoir.py reservoir_states.py sources.py sources_types.py alias.py alias_build.py alias_draw.py pages.py prefixes.py snappy.py zstd.py constants.py hostile.py schedule.py splitter.py splitter_state.py hash_split.py codes.py strata.py strata_laws.py strata_shares.py quota.py ranking.py ranking_rows.py ranking_states.py ranking_bins.py ranking_inputs.py multiclass.py confusion.py confusion_types.py confusion_kernels.py confusion_errors.py numpy_strings.py evaluate.py evaluate_sources.py)

sanitize:
	mkdir -p build/sanitize
	cd build/sanitize && rm -rf src csrc tests  # with what the tree has no more
	git ls-files -z | xargs -0 cp -p --parents -t build/sanitize
	ALIQUOT_SANITIZE=1 $(MAKE) -C build/sanitize .venv/.test
	cd build/sanitize && \
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	.venv/bin/python -m pytest -q -m "not slow" -p no:cacheprovider $(SANITIZE_TESTS)

# The Parquet reader under libFuzzer, for FUZZ_SECONDS from the files that were found before; needs clang.
FUZZ_SECONDS ?= 600
FUZZ := build/fuzz/parquet_reader

fuzz: $(FUZZ)
	mkdir -p build/fuzz/corpus
	$(FUZZ) -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ \
	build/fuzz/corpus tests/data/parquet_reader

$(FUZZ): tests/fuzz/parquet_reader.cpp $(wildcard csrc/aliquot/parquet_*.hpp)
	mkdir -p build/fuzz
	clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	-D_GLIBCXX_ASSERTIONS -Icsrc $< -o $@

clean:
	rm -rf build dist .venv src/*.egg-info src/aliquot/_kernels/*.so

HEADERS := $(patsubst csrc/%,%,$(wildcard csrc/aliquot/*.h*))
CXX_FILES := $(HEADERS:%=csrc/%) tests/data/stream_digest.cpp tests/fuzz/parquet_reader.cpp
SOURCES := pyproject.toml setup.py $(wildcard csrc/aliquot/*) $(wildcard src/aliquot/_kernels/*.p*)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

$(VENV)/.test: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install -q -e .[test]
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install -q --group bench
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python -m pip install -q --group dev
	touch $@
