SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-print-directory

# A shell or a user's environment owns the names on the right: they count on make's command line only.
given    = $(if $(filter command,$(firstword $(origin $1))),$($1))
FIGTREE_PYTHON ?= $(or $(call given,PYTHON),python3)
# A company's own certificate authority is in the system's store, where there is one.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS := true
export NODE_USE_SYSTEM_CA := 1
endif
unexport UV_PROJECT_ENVIRONMENT VIRTUAL_ENV PYTHONHOME PYTHONPATH
XDG_CACHE_HOME ?=
CACHE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/figtree
UV      := $(CACHE)/uv-0.13.9/bin/uv
RUN     := .venv/bin
PROTOS  := $(shell find proto/figtree -name '*.proto')
INSTALL := .venv/.figtree-installed
STUBS   := .venv/.figtree-stubs
PACKAGES := $(foreach folder,$(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml)),$(folder)/$(notdir $(folder))) monolith/monolith loadtests/loadtests benchmarks/benchmarks $(patsubst %/__init__.py,%,$(wildcard demo/*/__init__.py))
PROJECTS := $(patsubst %/pyproject.toml,%,$(wildcard */pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml))
MODULES := demo=cli|dashboard|localmesh|machine|manifests|runtime|scenes|strangler|telemetry,figtree-proto=figtree,googleapis-common-protos=google,protobuf=google
PAGE    := demo/dashboard/web/dist/.figtree-built
TESTS   := $(wildcard libs/*/tests services/*/tests) monolith/tests loadtests/tests demo/tests tests

# Not a rule of its own: make cannot name a file whose folder has a space, as a home may have.
HAVE_UV = [ -x "$(UV)" ] || { echo "[setup] uv 0.13.9 into $(CACHE) (once, about 20 MB)"; $(call MACHINE,--uv "$(UV)"); }
MACHINE = (cd demo && exec "$(FIGTREE_PYTHON)" -m machine $1)

# Before anything is installed or started. It needs no more than Python 3.6, and says what is missing.
machine:
	@command -v "$(FIGTREE_PYTHON)" >/dev/null && "$(FIGTREE_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 6))' || { \
	  echo "[machine] missing: $(FIGTREE_PYTHON) is not a Python 3.6 or newer: install Python 3.11 to 3.14, or run make with FIGTREE_PYTHON=/path/to/it" >&2; exit 1; }
	@$(call MACHINE,--under $$PPID $(MAKECMDGOALS))

$(INSTALL): uv.lock pyproject.toml $(wildcard */pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml) | machine
	@echo "[setup] Python packages of uv.lock into .venv (about 800 MB, a minute the first time)"
	@$(HAVE_UV)
	@python=$$( $(call MACHINE,--python) ) && "$(UV)" sync --quiet --locked --all-packages --all-groups --no-group go --no-group uv --python "$$python"
	@touch $@

$(STUBS): $(INSTALL) $(PROTOS)
	@echo "[setup] stubs of proto/"
	@$(RUN)/python -m grpc_tools.protoc -Iproto --python_out=proto --grpc_python_out=proto \
	  --plugin=protoc-gen-mypy=$(RUN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(RUN)/protoc-gen-mypy_grpc \
	  --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto $(PROTOS)
	@touch $@

$(PAGE): $(wildcard demo/dashboard/web/*.json demo/dashboard/web/*.ts demo/dashboard/web/*.html) $(shell find demo/dashboard/web/src -type f) | machine
	@$(HAVE_UV)
	@demo/dashboard/web/build "$(UV)" || true

.PHONY: machine load load-ui bench bench-compare scale soak overload git page setup demo up down scenes browser test test-system test-journey test-scenes test-all pictures matrix test-cluster check format clean help cluster cluster-delete cluster-tools images deploy release docs
RUNTIME ?= auto
MESH    ?= on
MESH_NETWORK ?= auto
LOAD    ?= 120
SEED    ?= 1
TITLES  ?= 0
ARGS    ?=
STEP    ?= 0-monolith
SCENES  ?= --all
CLUSTER_MODE ?= $(or $(call given,MODE),full)
SHAPE   ?= steady
DURATION ?= $(call given,SECONDS)
TRANSPORT ?= rest
LIMITS  ?= failed<=0 wrong<=0
WORKERS ?= 1
EDGE    ?= $(call given,HOST)
REPORT  ?= build/load
TOOLS   ?= build/cluster-tools
export RUNTIME MESH MESH_NETWORK LOAD SEED TITLES STEP CLUSTER_MODE

demo: $(STUBS) $(PAGE) ## From nothing to the verdict: strangle the monolith under load (RUNTIME, MESH, LOAD, SEED, TITLES)
	@$(RUN)/figtree demo

up: $(STUBS) $(PAGE) ## Start the runtime and the monolith, and leave them running
	@$(RUN)/figtree up

scenes: $(STUBS) ## Act every scene out on the running system (SCENES names some of them)
	@$(RUN)/figtree scene run $(SCENES)

down: $(STUBS) ## Stop everything that `make up` started
	@$(RUN)/figtree down

PUBLISH =
LOCUST = export TRANSPORT='$(TRANSPORT)' LIMITS='$(LIMITS)'; edge='$(EDGE)'; edge=$${edge:-$$($(RUN)/figtree edge)} && \
  if [ "$$TRANSPORT" != rest ]; then GRPC=$${GRPC:-$$($(RUN)/figtree edge --grpc)}; export GRPC; fi && \
  $(if $(EDGE),,$(RUN)/figtree exec $(PUBLISH) --) $(RUN)/locust -f loadtests/locustfile.py --host "$$edge"

load: $(STUBS) ## Load the running system, judge every answer (SHAPE, LOAD, DURATION, TRANSPORT, LIMITS, WORKERS, EDGE)
	@mkdir -p $(REPORT) && export SHAPE='$(SHAPE)' DURATION='$(DURATION)'; $(LOCUST) --headless --only-summary --stop-timeout 20 \
	  $$([ $(WORKERS) = 1 ] || echo --processes $(WORKERS)) --html $(REPORT)/report.html --csv $(REPORT)/load

load-ui: PUBLISH = --publish 8089
load-ui: $(STUBS) ## The same users with Locust's page at http://127.0.0.1:8089
	@$(LOCUST) --users $(LOAD) --spawn-rate 50 --web-host 127.0.0.1

BENCH = FIGTREE_NAME=bench $(RUN)/figtree bench
EARLIER ?= build/bench/earlier.json

bench: $(STUBS) ## Measure everything side by side on a quiet machine: about 50 minutes; figures, tables and plots in docs/bench
	@$(BENCH) run && $(BENCH) reads --rounds 3 --seconds 3 && $(BENCH) calls && $(BENCH) telemetry && $(BENCH) shapes && $(BENCH) library && $(BENCH) footprint; status=$$?; $(BENCH) down; $(BENCH) report >/dev/null; exit $$status

bench-compare: $(STUBS) ## Measure the rates again and compare them with those of docs/bench (or EARLIER): fails if one has fallen
	@mkdir -p build/bench && { [ -f $(EARLIER) ] || cp docs/bench/results.json $(EARLIER); } && rm -f build/bench/now.json
	@$(BENCH) run --out build/bench/now.json; $(BENCH) down; $(BENCH) compare $(EARLIER) build/bench/now.json

scale: $(STUBS) ## What an order costs from 1,000 to 1,000,000 stored orders and 100,000 titles, and with 1, 2 and 4 replicas
	@$(BENCH) stored && $(BENCH) replicas; $(BENCH) down; $(BENCH) report >/dev/null

soak: $(STUBS) ## 20 minutes of a modest load: memory, descriptors and connections must not grow
	@$(BENCH) soak; $(BENCH) down; $(BENCH) report >/dev/null

overload: $(STUBS) ## Three times as many orders as can be taken: how many are, and how soon all is well again
	@$(BENCH) overload; $(BENCH) down; $(BENCH) report >/dev/null

# Most of the tests' time is waiting, for a real load, a real ejection, a real lock: so two run at once.
TEST_PROCESSES ?= 2
BESIDE = --numprocesses $(TEST_PROCESSES) --dist loadscope

test: git browser ## All tests but those of the whole system, on real PostgreSQL, NATS, istiod and Envoy (ARGS goes to pytest)
	@echo "[test] unit, contract, conformance, runtime: about 8 minutes, and 4 more to compile istiod the first time"
	@demo/dashboard/web/with-node "$(UV)" npm run --silent test
	@$(RUN)/pytest --no-skips $(BESIDE) -m "not system and not cluster and not matrix and not alone" $(ARGS)
	@$(RUN)/pytest --no-skips -m "alone and not system and not cluster and not matrix" $(ARGS)

# Tests of releases and guides make repositories.
git:
	@command -v git >/dev/null || { echo "[test] missing: git: install it from your system's packages" >&2; exit 1; }

page: ## Build the demo's page, or say what is missing for it
	@$(HAVE_UV)
	@demo/dashboard/web/build "$(UV)"

test-system: browser ## The whole system: journey, histories, page, each scene with its cause and without it, walkthrough (40 minutes)
	@$(RUN)/pytest --no-skips $(BESIDE) -m "system and not alone" $(ARGS)
	@$(RUN)/pytest --no-skips -m "system and alone" $(ARGS)

# What tests of the page need beside the packages, or the line that says what to install.
browser: $(STUBS) $(PAGE)
	@tests/page/chromium >/dev/null
	@[ -e $(PAGE) ] || demo/dashboard/web/build "$(UV)"

test-journey: $(STUBS) ## The journey under 60 requests a second, with the mesh and without it: nobody notices (6 minutes)
	@$(RUN)/pytest --no-skips -m "system and alone" tests/journey $(ARGS)

test-scenes: $(STUBS)
	@$(RUN)/pytest --no-skips -m system demo/tests/test_scenes.py $(ARGS)

pictures: browser ## The pictures of docs/pictures anew, from the page of a local mesh: half an hour
	@FIGTREE_PICTURES=yes $(RUN)/pytest --no-skips -m pictures tests/page $(ARGS)
	@$(RUN)/python -m tests.page.pictures

matrix: $(STUBS) ## Each phase of a step and each fault in it, under load: about two hours; the tables go to docs/reports
	@MATRIX_REPORT=docs/reports/phases-and-faults.md MESH_MATRIX_REPORT=docs/reports/phases-and-faults-mesh.md \
	  $(RUN)/pytest --no-skips demo/tests/test_matrix.py demo/tests/test_matrix_mesh.py $(ARGS)

test-all: test test-system matrix ## Everything but what needs a cluster: about three hours

test-cluster: $(STUBS) ## What the add-ons of the kubectl context's cluster see of the final shape, and both walkthroughs: about 25 minutes
	@$(RUN)/pytest --no-skips -m cluster $(ARGS) tests/cluster

cluster: $(STUBS) ## A kind cluster with Istio and its add-ons (CLUSTER_MODE=lite: 4 GiB, without them); says what is missing
	@k8s/scripts/cluster up

cluster-delete: ## Delete that cluster
	@k8s/scripts/cluster delete

cluster-tools: ## kind, istioctl and kubectl of the versions that `make cluster` asks for, into TOOLS; takes Docker and Go
	@k8s/scripts/cluster tools '$(TOOLS)'

images: ## Build the images and bring them to the cluster (RUNTIME=kind, REGISTRY=… or IMAGES_LOAD=…)
	@k8s/scripts/images

deploy: $(STUBS) ## Bring the workloads of STEP to the cluster of the kubectl context (RUNTIME=kind: to kind's)
	@k8s/scripts/deploy

release: ## Build the images of a tagged commit for amd64 and arm64 with SBOM and provenance, push them to REGISTRY, sign them
	@k8s/scripts/release

open-%: ## Show kiali, grafana, prometheus, jaeger or loki: make open-kiali
	@k8s/scripts/cluster open $*

check: $(STUBS) ## Format, lint, types, imports, contracts, Go, YAML; changes nothing
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy $(PACKAGES)
	@for tests in $(TESTS); do echo "$(RUN)/mypy $$tests"; $(RUN)/mypy $$tests || exit 1; done
	$(RUN)/lint-imports
	@for project in $(PROJECTS); do echo "$(RUN)/deptry $$project"; \
	  told=$$(cd $$project && "$(CURDIR)/$(RUN)/deptry" --no-ansi --package-module-name-map '$(MODULES)' . 2>&1) || { echo "$$told"; exit 1; }; done
	@echo "$(RUN)/mypy docs/site"; $(RUN)/mypy docs/site
	$(RUN)/buf lint proto
	$(RUN)/buf format proto --diff --exit-code
	$(RUN)/buf breaking proto --against proto/baseline.binpb
	$(RUN)/yamllint --strict .github istio k8s proto skaffold.yaml tests
	$(RUN)/zizmor --offline --quiet --persona pedantic .github
	@$(HAVE_UV)
	$(RUN)/python -m localmesh.go_services
	$(RUN)/python -m manifests.check "$(UV)"

	@$(MAKE) docs

docs: $(STUBS) $(PAGE) ## Build the documentation as a site into build/site; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build

format: $(STUBS) ## Write the code as `make check` wants it
	$(RUN)/ruff check --fix --quiet . ; $(RUN)/ruff format . ; $(RUN)/buf format -w proto

setup: $(STUBS) $(PAGE) ## Install everything into .venv and the cache folder

clean: ## Remove what was installed and generated here; the cache folder stays
	rm -rf .venv services/currency/go/pb demo/dashboard/web/dist demo/dashboard/web/node_modules && find proto -name '*_pb2*' -delete

help: ## Show this list
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-14s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
