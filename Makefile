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

.PHONY: setup help
setup: $(STUBS) ## Install everything into .venv and the cache folder

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
