# syntax=docker/dockerfile:1
ARG GO_VERSION=1.26
# Any base that can run a static binary works: it needs a nonroot user, CA certificates and nothing else.
ARG BASE=gcr.io/distroless/static:nonroot

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY api api
COPY cmd cmd
COPY internal internal
ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/app-upgrade-operator ./cmd/app-upgrade-operator

FROM ${BASE}
COPY --from=build /out/app-upgrade-operator /app-upgrade-operator
USER 65532:65532
ENTRYPOINT ["/app-upgrade-operator"]
