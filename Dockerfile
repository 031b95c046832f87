# The images, a target each: services (all services and the gateway; the Deployment's command says which one runs), monolith,
# loadtests, currency-go (nothing but that program); services-dev and monolith-dev are for `skaffold dev`.
# docker build --target services -t figtree/services:v1 .

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PYTHON=python3.13 UV_PROJECT_ENVIRONMENT=/app/venv
RUN --mount=type=cache,target=/root/.cache/pip python3 -m venv /uv && /uv/bin/pip install --quiet uv==0.13.9
ENV PATH=/uv/bin:$PATH
WORKDIR /src

FROM build AS stubs
COPY pyproject.toml uv.lock ./
COPY proto/pyproject.toml proto/
COPY libs/coalescing/pyproject.toml libs/coalescing/
COPY libs/common/pyproject.toml libs/common/
COPY libs/database/pyproject.toml libs/database/
COPY libs/rest_api/pyproject.toml libs/rest_api/
COPY libs/service_kit/pyproject.toml libs/service_kit/
COPY libs/tracing/pyproject.toml libs/tracing/
COPY services/currency/pyproject.toml services/currency/
COPY services/customer/pyproject.toml services/customer/
COPY services/gateway/pyproject.toml services/gateway/
COPY services/order/pyproject.toml services/order/
COPY services/pricing/pyproject.toml services/pricing/
COPY services/title/pyproject.toml services/title/
COPY monolith/pyproject.toml monolith/
COPY loadtests/pyproject.toml loadtests/
COPY benchmarks/pyproject.toml benchmarks/
COPY demo/pyproject.toml demo/
RUN --mount=type=cache,target=/root/.cache/uv UV_PROJECT_ENVIRONMENT=/stubs uv sync --quiet --frozen --package figtree-proto --only-dev
COPY proto/figtree proto/figtree
RUN cd proto && /stubs/bin/python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. $(find figtree -name '*.proto')

# What is locked and rarely changes is a layer of its own, our own code comes on top of it.
FROM stubs AS services-venv
ARG PACKAGES="--package currency --package customer --package gateway --package order --package pricing --package title"
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-install-workspace $PACKAGES
COPY libs libs
COPY services services
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-editable $PACKAGES \
 && rm -f /app/venv/bin/activate* && rm -rf /app/venv/lib/python3.*/site-packages/grpc_tools

FROM stubs AS monolith-venv
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-install-workspace --package monolith
COPY libs/coalescing libs/coalescing
COPY libs/common libs/common
COPY libs/service_kit libs/service_kit
COPY libs/rest_api libs/rest_api
COPY libs/tracing libs/tracing
COPY monolith monolith
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-editable --package monolith \
 && rm -f /app/venv/bin/activate*

FROM stubs AS loadtests-venv
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-install-workspace --package loadtests
COPY monolith/monolith/data monolith/monolith/data
COPY loadtests loadtests
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --frozen --no-dev --no-editable --package loadtests \
 && rm -f /app/venv/bin/activate*

# Go itself is a package of PyPI, so that one base image is enough; it compiles for the platform that the image is for.
FROM --platform=$BUILDPLATFORM python:3.13-slim AS currency-go-program
WORKDIR /src
COPY pyproject.toml ./
RUN --mount=type=cache,target=/root/.cache/pip python3 -m venv /go && /go/bin/pip install --quiet "$(sed -n 's/^go = \["\(.*\)"\]$/\1/p' pyproject.toml)"
ENV PATH=/go/lib/python3.13/site-packages/go/bin:$PATH CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=local
COPY proto/figtree proto/figtree
COPY services/currency/go services/currency/go
WORKDIR /src/services/currency/go
RUN --mount=type=cache,target=/root/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build go generate .
ARG TARGETOS=linux
ARG TARGETARCH
RUN --mount=type=cache,target=/root/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w" -o /currency .

FROM scratch AS currency-go
COPY --from=currency-go-program /currency /currency
USER 10001:10001
ENTRYPOINT ["/currency"]
ARG VERSION=v1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="figtree/currency-go" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"

FROM python:3.13-slim AS runtime
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
      /usr/lib/python3/dist-packages/pip* /usr/lib/python3*/ensurepip /usr/bin/pip* \
 && groupadd --gid 10001 figtree && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin figtree
ENV PATH=/app/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001

# File sync writes into the folder of the sources, and a change restarts the process.
FROM runtime AS dev
COPY --chown=10001:10001 k8s/dev/reload.py /app/reload.py
ENTRYPOINT ["python3", "/app/reload.py"]

FROM dev AS services-dev
COPY --from=services-venv /app/venv /app/venv
COPY --chown=10001:10001 libs services /app/sources/

FROM dev AS monolith-dev
COPY --from=monolith-venv /app/venv /app/venv
COPY --chown=10001:10001 monolith /app/sources/monolith

FROM runtime AS loadtests
COPY --from=loadtests-venv /app/venv /app/venv
COPY loadtests/locustfile.py /app/locustfile.py
ENTRYPOINT ["locust", "-f", "/app/locustfile.py", "--headless", "--only-summary", "--stop-timeout", "20"]
ARG VERSION=v1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="figtree/loadtests" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"

FROM runtime AS monolith
COPY --from=monolith-venv /app/venv /app/venv
ARG VERSION=v1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="figtree/monolith" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"

FROM runtime AS services
COPY --from=services-venv /app/venv /app/venv
ARG VERSION=v1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="figtree/services" org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
