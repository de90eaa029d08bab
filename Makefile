# make demo: score the sample day.    make test: every check and test.    make protos: new stubs.
# make bench-photos, bench-decoders, bench-detectors: timings, nothing else should run meanwhile.

PYTHON ?= python3.11
BIN := .venv/bin
DEMO := .demo
OUT ?= protos
SHARED ?= ../shared

.PHONY: demo test protos bench bench-server bench-tills bench-nights soak profile readme-options chaos chaos-server chaos-nights bench-photos bench-decoders bench-detectors bench-edges fuzz \
  shares lifts bench-report bench-quantifiers

demo: .venv/.demo
	$(BIN)/checkout-age-batch run --date 2026-11-21 --purchases batch/sample/purchases.csv \
	  --photos batch/sample/photos --out $(DEMO)

test: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/buf lint protos
	$(BIN)/pytest --numprocesses auto --dist loadfile --max-worker-restart 0

protos: .venv/.dev
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=$(OUT) --pyi_out=$(OUT) \
	  --grpc_python_out=$(OUT) --mypy_grpc_out=quiet:$(OUT) \
	  --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  protos/checkout_age/v1/age_estimation.proto protos/checkout_age/inference/open_inference.proto \
	  protos/checkout_age/v1/admin.proto

readme-options: .venv/.dev
	$(BIN)/python -m tests.house.option_table

# make chaos JSON=file: what is promised under load and through crashes, tried; its figures in a file
chaos: chaos-server chaos-nights

SWAPS ?= 1000
DRAINS ?= 100
chaos-server: .venv/.dev
	$(BIN)/python -m tests.chaos.server --swaps $(SWAPS) --drains $(DRAINS) $(if $(JSON),--json $(JSON))

# make bench JSON=file: how fast all is, in one table in the end; its figures in a file, too. An hour
# or so; nothing else should run meanwhile.
FIGURES = $(or $(JSON),.bench/figures.json)
bench: .venv/.bench
	@mkdir -p .bench && rm -f .bench/figures.json
	$(MAKE) bench-server bench-nights bench-edges JSON=$(FIGURES)
	$(BIN)/python -m tests.bench.table $(FIGURES)

ROUNDS ?= 3
SECONDS ?= 8
BENCHED = $(if $(MODEL),--model $(MODEL)) $(if $(JSON),--json $(JSON))
bench-server: .venv/.bench
	$(BIN)/python -m tests.bench.server --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(RUNTIME),--runtime $(RUNTIME)) $(BENCHED)

# make bench-tills TILLS="HOST:PORT --bare MS": what tills here have of a server on another machine
bench-tills: .venv/.dev
	$(BIN)/python -m tests.bench.server.tills --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(JSON),--json $(JSON)) $(TILLS)

# make soak REQUESTS=200000: the server's memory over many requests, an hour or so
REQUESTS ?= 200000
soak: .venv/.bench
	$(BIN)/python -m tests.bench.server.soak --requests $(REQUESTS) $(BENCHED)

# make profile: where the server's time goes under load
profile: .venv/.bench
	$(BIN)/python -m tests.bench.server.profile $(if $(MODEL),--model $(MODEL))

bench-photos: .venv/.dev
	$(BIN)/python -m tests.bench.photos

bench-decoders: .venv/.bench
	$(BIN)/python -m tests.bench.decoders

bench-detectors: .venv/.bench
	$(BIN)/python -m tests.bench.detectors $(SHARED)

bench-edges: .venv/.dev
	$(BIN)/python -m tests.bench.edges $(JSON)

fuzz: .venv/.dev
	$(BIN)/python -m tests.fuzz --count $(or $(COUNT),10000) --seed $(or $(SEED),1) $(if $(JSON),--json $(JSON))

# how far shares lie from the truth of 240 shifted populations; needs shared/faces
shares: .venv/.dev
	$(BIN)/python -m tests.bench.shares $(SHARED) $(if $(JSON),--json $(JSON))

# how often the intervals of lifts cover, on baskets whose truth is known
lifts: .venv/.dev
	$(BIN)/python -m tests.bench.lifts $(if $(JSON),--json $(JSON))

# a year of a chain, 10 million purchases: seconds and peak memory of a report
bench-report: .venv/.dev
	$(BIN)/python -m tests.bench.report $(if $(JSON),--json $(JSON))

# our shares beside QuaPy's, on the same populations
bench-quantifiers: .venv/.bench
	$(BIN)/python -m tests.bench.quantifiers $(SHARED)

# make chaos-nights, bench-nights JSON=file: nights killed at random; their memory, cost and rate
KILLS ?= 300
chaos-nights: .venv/.dev
	$(BIN)/python -m tests.chaos.nights --kills $(KILLS) $(if $(JSON),--json $(JSON))

bench-nights: .venv/.dev
	$(BIN)/python -m tests.bench.nights $(if $(JSON),--json $(JSON))

# An environment for the demo or for development or the benchmarks: .venv/.demo, .venv/.dev, .venv/.bench;
# each holds those before it.
.venv/.%: .requirements/%.txt pyproject.toml
	@echo "installing the locked dependencies of .requirements/$*.txt, a few minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
	  --no-build-isolation --editable .
	@touch $@ $(if $(filter dev bench,$*),.venv/.demo) $(if $(filter bench,$*),.venv/.dev)
