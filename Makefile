SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-print-directory

PYTHON  ?= python3
XDG_CACHE_HOME ?= $(HOME)/.cache
CACHE   ?= $(XDG_CACHE_HOME)/figtree
UV      := $(CACHE)/uv-0.13.9/bin/uv
RUN     := .venv/bin
PROTOS  := $(shell find proto/figtree -name '*.proto')
INSTALL := .venv/.figtree-installed
STUBS   := .venv/.figtree-stubs
PACKAGES := $(foreach name,$(notdir $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml))),services/$(name)/$(name)) monolith/monolith loadtests/loadtests demo/demo
PAGE    := demo/page/dist/.figtree-built
TESTS   := $(wildcard services/*/tests) monolith/tests loadtests/tests demo/tests tests

$(UV):
	@echo "[setup] uv 0.13.9 into $(CACHE) (once, about 20 MB)"
	@$(PYTHON) -m venv $(CACHE)/uv-0.13.9 && $(CACHE)/uv-0.13.9/bin/pip install --quiet uv==0.13.9

$(INSTALL): $(UV) uv.lock pyproject.toml $(wildcard */pyproject.toml services/*/pyproject.toml)
	@echo "[setup] Python packages of uv.lock into .venv (about 500 MB, a minute the first time)"
	@$(UV) sync --quiet --locked --all-packages --all-groups --python $(PYTHON)
	@touch $@

$(STUBS): $(INSTALL) $(PROTOS)
	@echo "[setup] stubs of proto/"
	@cd proto && ../$(RUN)/python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. \
	  --plugin=protoc-gen-mypy=../$(RUN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=../$(RUN)/protoc-gen-mypy_grpc \
	  --mypy_out=quiet:. --mypy_grpc_out=quiet:. $(PROTOS:proto/%=%)
	@touch $@

$(PAGE): $(UV) $(wildcard demo/page/*.json demo/page/*.ts demo/page/*.html) $(shell find demo/page/src -type f)
	@demo/page/build $(UV) || true

.PHONY: load load-ui bench bench-compare scale soak overload page setup demo up down scenes test test-scenes test-cluster check format clean help cluster cluster-delete images deploy
RUNTIME ?= auto
MESH    ?= on
LOAD    ?= 120
SEED    ?= 1
TITLES  ?= 0
ARGS    ?=
STEP    ?= 0-monolith
SCENES  ?= --all
MODE    ?= full
SHAPE   ?= steady
SECONDS ?=
TRANSPORT ?= rest
LIMITS  ?= failed<=0 wrong<=0
WORKERS ?= 1
HOST    ?=
REPORT  ?= build/load
export RUNTIME MESH LOAD SEED TITLES STEP MODE

demo: $(STUBS) $(PAGE) ## From nothing to the verdict: strangle the monolith under load (RUNTIME, MESH, LOAD, SEED, TITLES)
	@$(RUN)/figtree demo

up: $(STUBS) $(PAGE) ## Start the runtime and the monolith, and leave them running
	@$(RUN)/figtree up

scenes: $(STUBS) ## Act every scene out on the running system (SCENES names some of them)
	@$(RUN)/figtree scene run $(SCENES)

down: $(STUBS) ## Stop everything that `make up` started
	@$(RUN)/figtree down

LOCUST = export TRANSPORT='$(TRANSPORT)' LIMITS='$(LIMITS)'; edge='$(HOST)'; edge=$${edge:-$$($(RUN)/figtree edge)} && \
  if [ "$$TRANSPORT" != rest ]; then GRPC=$${GRPC:-$$($(RUN)/figtree edge --grpc)}; export GRPC; fi && \
  $(RUN)/locust -f loadtests/locustfile.py --host "$$edge"

load: $(STUBS) ## Load the running system, judge every answer (SHAPE, LOAD, SECONDS, TRANSPORT, LIMITS, WORKERS, HOST)
	@mkdir -p $(REPORT) && export SHAPE='$(SHAPE)' SECONDS='$(SECONDS)'; $(LOCUST) --headless --only-summary --stop-timeout 20 \
	  $$([ $(WORKERS) = 1 ] || echo --processes $(WORKERS)) --html $(REPORT)/report.html --csv $(REPORT)/load

load-ui: $(STUBS) ## The same users with Locust's page at http://127.0.0.1:8089
	@$(LOCUST) --users $(LOAD) --spawn-rate 50 --web-host 127.0.0.1

BENCH = FIGTREE_NAME=bench $(RUN)/figtree bench
EARLIER ?= build/bench/earlier.json

bench: $(STUBS) ## Measure everything side by side on a quiet machine: about half an hour; figures, tables and plots in docs/bench
	@$(BENCH) run && $(BENCH) calls && $(BENCH) telemetry && $(BENCH) shapes && $(BENCH) footprint; status=$$?; $(BENCH) down; $(BENCH) report >/dev/null; exit $$status

bench-compare: $(STUBS) ## Measure the rates again and compare them with those of docs/bench (or EARLIER): fails if one has fallen
	@mkdir -p build/bench && { [ -f $(EARLIER) ] || cp docs/bench/results.json $(EARLIER); } && rm -f build/bench/now.json
	@$(BENCH) run --out build/bench/now.json; $(BENCH) down; $(BENCH) compare $(EARLIER) build/bench/now.json

scale: $(STUBS) ## What an order costs from 1,000 to 1,000,000 stored orders and 100,000 titles, and with 1, 2 and 4 replicas
	@$(BENCH) stored && $(BENCH) replicas; $(BENCH) down; $(BENCH) report >/dev/null

soak: $(STUBS) ## 20 minutes of a modest load: memory, descriptors and connections must not grow
	@$(BENCH) soak; $(BENCH) down; $(BENCH) report >/dev/null

overload: $(STUBS) ## Three times as many orders as can be taken: how many are, and how soon all is well again
	@$(BENCH) overload; $(BENCH) down; $(BENCH) report >/dev/null

test: $(STUBS) $(PAGE) ## All tests but those of the scenes, on real PostgreSQL, NATS, istiod and Envoy (ARGS goes to pytest)
	@echo "[test] unit, contract, conformance, runtime and journey: about 20 minutes, and 5 more to compile istiod the first time"
	@tests/page/chromium >/dev/null || true
	@cd demo/page && if [ -d node_modules ] && command -v npm >/dev/null; then npm run --silent test; \
	  else echo "[test] the page's own functions are not tested: there is no Node.js"; fi
	@$(RUN)/pytest -m "not scenes and not cluster" $(ARGS)

page: $(UV) ## Build the demo's page, or say what is missing for it
	@demo/page/build $(UV)

test-scenes: $(STUBS) ## Each scene with its premise and without it, and the walkthrough: about 20 minutes more
	@$(RUN)/pytest -m scenes $(ARGS)

test-cluster: $(STUBS) ## What the add-ons of the kubectl context's cluster see of the final shape, and both walkthroughs: about 25 minutes
	@$(RUN)/pytest -m cluster $(ARGS) tests/cluster

cluster: $(STUBS) ## A kind cluster with Istio and its add-ons (MODE=lite: 4 GiB, without them); says what is missing
	@k8s/scripts/cluster up

cluster-delete: ## Delete that cluster
	@k8s/scripts/cluster delete

images: ## Build the images and bring them to the cluster (RUNTIME=kind, REGISTRY=… or IMAGES_LOAD=…)
	@k8s/scripts/images

deploy: ## Bring the workloads of STEP to the cluster of the kubectl context (RUNTIME=kind: to kind's)
	@k8s/scripts/deploy

open-%: ## Show kiali, grafana, prometheus, jaeger or loki: make open-kiali
	@k8s/scripts/cluster open $*

check: $(STUBS) ## Format, lint, types, imports, contracts, YAML; changes nothing
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy $(PACKAGES)
	@for tests in $(TESTS); do echo "$(RUN)/mypy $$tests"; $(RUN)/mypy $$tests || exit 1; done
	$(RUN)/lint-imports
	$(RUN)/buf lint proto
	$(RUN)/buf format proto --diff --exit-code
	$(RUN)/buf breaking proto --against proto/baseline.binpb
	$(RUN)/yamllint --strict istio k8s proto skaffold.yaml tests
	$(RUN)/python -m demo.cluster.check $(UV)

format: $(STUBS) ## Write the code as `make check` wants it
	$(RUN)/ruff check --fix --quiet . ; $(RUN)/ruff format . ; $(RUN)/buf format -w proto

setup: $(STUBS) $(PAGE) ## Install everything into .venv and the cache folder

clean: ## Remove what was installed and generated here; the cache folder stays
	rm -rf .venv demo/page/dist demo/page/node_modules && find proto -name '*_pb2*' -delete

help: ## Show this list
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-14s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
