# Needs Go and git, nothing else: every other tool is pinned in hack/tools and built when it is first used.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CHART := helm/app-upgrade-operator
IMAGE ?= gsoci.azurecr.io/giantswarm/app-upgrade-operator:dev
VERSION ?= $(shell git describe --tags --always --dirty)
FUZZTIME ?= 1m

# A code generator of hack/tools, by name. It must run even while the project itself does not compile.
generator = go tool -modfile=hack/tools/$(1)/go.mod $(1)
# Another tool of hack/tools, by name: the path of its binary, built once for this and for the tests.
tool = "$$(go run ./hack/local path $(1))"
# The race detector needs a C compiler; Go says 0 here when there is none.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
# Everything that `make generate` writes.
GENERATED := api/v1alpha1/zz_generated.deepcopy.go internal/application/v1alpha1/zz_generated.deepcopy.go \
	config/crd config/rbac $(CHART)/files hack/local/crds/flux

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ See it work

.PHONY: demo
demo: ## Upgrade Apps on this machine, with real servers and no cluster; KEEP=1 leaves it running
	go run ./hack/local demo $(if $(KEEP),--keep)

.PHONY: demo-kind
demo-kind: ## The same on kind with Flux's own images; needs Docker, kind, flux, helm and the internet
	./hack/demo-kind.sh

##@ Work on it

.PHONY: build
build: ## Build the operator into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: image
image: ## Build the container image IMAGE
	docker build --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

.PHONY: test
test: ## Run every test: unit, property, fuzz seeds, API server, chart, end to end
	go run ./hack/local build
	go vet ./...
	go test $(RACE) -timeout 45m $$(go list ./... | grep -v /internal/e2e)
	@# Alone: it needs both cores. Its operator is a process of its own, which the race detector would not see.
	go test -timeout 45m ./internal/e2e/...

.PHONY: e2e
e2e: ## Run the end-to-end test alone; FLUX_BIN_DIR=<folder> uses Flux's own image controllers
	go run ./hack/local build
	go test -count=1 -timeout 45m -v ./internal/e2e/...

.PHONY: lint
lint: ## Run golangci-lint
	$(call tool,golangci-lint) run

.PHONY: generate
generate: ## Write generated code, CRDs, RBAC, the chart's copies and the API reference
	$(call generator,controller-gen) object paths=./api/... paths=./internal/application/...
	$(call generator,controller-gen) crd paths=./api/... output:crd:dir=config/crd
	$(call generator,controller-gen) rbac:roleName=app-upgrade-operator paths=./internal/... output:rbac:dir=config/rbac
	cp config/crd/upgrades.giantswarm.io_*.yaml $(CHART)/files/crds/
	cp config/rbac/role.yaml $(CHART)/files/rbac/
	$(call generator,crd-ref-docs) --log-level=ERROR --source-path=api --config=hack/docs/crd-ref-docs.yaml --renderer=markdown --output-path=config/crd/README.md
	go run ./hack/local crds

.PHONY: verify
verify: verify-generated verify-chart ## Check that generated files are fresh, go.mod is tidy, Go is formatted and the chart lints
	go mod tidy -diff
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); \
	  if [[ -n $$unformatted ]]; then echo "run gofmt -w on:" $$unformatted; exit 1; fi

.PHONY: verify-generated
verify-generated:
	@before=$$(mktemp -d); trap 'rm -rf "$$before"' EXIT; \
	  cp --parents -r $(GENERATED) "$$before"; \
	  $(MAKE) --no-print-directory generate; \
	  for path in $(GENERATED); do \
	    diff -r "$$before/$$path" "$$path" || { echo "$$path was stale: commit what make generate wrote"; exit 1; }; \
	  done

.PHONY: verify-chart
verify-chart:
	$(call tool,helm) lint --strict $(CHART)
	$(call tool,helm) lint --strict --values $(CHART)/ci/full-values.yaml $(CHART)

.PHONY: bench
bench: ## Run every benchmark
	go test -run='^$$' -bench=. -benchmem ./internal/...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (1m)
	@git grep -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | sed 's/:func /:/' | while IFS=: read -r file target; do \
	  echo "fuzz $$target in $$(dirname $$file) for $(FUZZTIME)"; \
	  go test -run='^$$' -fuzz="^$$target$$" -fuzztime=$(FUZZTIME) "./$$(dirname $$file)" </dev/null; \
	done
