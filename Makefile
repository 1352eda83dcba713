# pgsession. `make` lists what there is; `make demo` and `make test` are all that a fresh machine needs.

GO       ?= go
BIN      := bin/pgsession
# What to test, lint or measure: make test PKG=./client/...
PKG      ?= ./...
# More for the command that a target runs: make demo ARGS=--json, make test ARGS='-run Poll -v'
ARGS     ?=
# Two packages at a time, each with a PostgreSQL of its own.
TEST     := ./scripts/aloud.sh $(GO) test -race -timeout 10m -p 2
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PKG=./client/... chooses packages, ARGS='…' is handed on to the command."

.PHONY: deps
deps: ## install what is missing: PostgreSQL's programs, a C compiler (or say how)
	@./scripts/deps.sh

# A checkout that belongs to another user has git refuse to answer, and go refuse to build: so no stamp.
.PHONY: build
build: ## build bin/pgsession
	@$(GO) build -buildvcs=false -o $(BIN) ./cmd/pgsession

.PHONY: demo
demo: deps build ## show the product at work, on a throwaway PostgreSQL (under a minute)
	@./$(BIN) demo $(ARGS)

.PHONY: example
example: deps ## run the example site, two processes behind one address, on a throwaway PostgreSQL
	@$(GO) build -buildvcs=false -o bin/example-site ./cmd/example-site
	@./bin/example-site --processes 2 $(ARGS)

.PHONY: test
test: deps check ## what CI runs: formatting, vet, all tests with the race detector
	$(TEST) $(ARGS) $(PKG)
	cd examples && ../$(TEST) $(ARGS) ./...

.PHONY: test-browser
test-browser: deps ## the example site in headless Chromium (3 minutes); skipped, and says so, where there is none
	cd cmd/example-site/browser && $(GO) vet . && ../../../$(TEST) $(ARGS) .

.PHONY: test-matrix
test-matrix: ## the tests that depend on the server, against PostgreSQL 14 to 18 (fetches those that are not installed)
	@GO="$(GO)" ./scripts/matrix.sh $(ARGS)

.PHONY: golden
golden: deps ## write the description of the schema, which a test compares with, anew
	$(GO) test ./migrations -run '^TestGoldenSchema$$' -count=1 -args -update

.PHONY: check
check: ## formatting and vet, without running anything
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	$(GO) vet $(PKG)
	@for module in examples cmd/example-site/browser internal/bench/web; do (cd $$module && $(GO) vet ./...) || exit 1; done

.PHONY: fmt
fmt: ## format the code
	gofmt -w .

.PHONY: lint
lint: ## all linters (the first run builds them, which takes minutes), vet for other systems
	$(GO) run $(GOLANGCI) run $(ARGS) $(PKG)
	GOOS=darwin $(GO) vet $(PKG)
	GOOS=windows $(GO) vet $(PKG)

.PHONY: bench
bench: deps ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m -p 1 $(ARGS) $(PKG)

.PHONY: figures
figures: deps ## measure what sql/README.md says of sizes, touches and sweeping (5 to 10 minutes)
	@$(GO) run ./internal/figures $(ARGS)

.PHONY: chaos
chaos: ## break everything while it serves, check every answer, write chaos.json (10 to 15 minutes)
	@./scripts/deps.sh chaos
	@$(GO) build -buildvcs=false -o bin/chaos ./internal/chaos/cmd
	@$(GO) build -buildvcs=false -tags faultseam -o bin/chaos-faulty ./internal/chaos/cmd
	@./bin/chaos --faulty bin/chaos-faulty --parallel 2 --out chaos.json $(ARGS)

.PHONY: model
model: ## check the model of the protocol exhaustively, and that each of its mutants is caught (2 to 4 minutes)
	@./scripts/deps.sh model
	@./listener/model/run.sh $(ARGS)

.PHONY: soak
soak: deps ## keep caches busy far beyond their bounds and see that memory stays flat (ARGS=--soak=10m)
	@$(GO) run -buildvcs=false ./internal/chaos/cmd $(or $(ARGS),--soak=10m)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin chaos.json
