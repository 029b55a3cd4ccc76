# Two commands matter to a newcomer: `make demo` and `make test`. Both install what they miss.

SHELL := /bin/bash
CARGO ?= cargo
DEMO_SECONDS ?=

.PHONY: help setup ui demo build release test lint compat bench fuzz-smoke clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install what is missing, and say what and why
	@scripts/setup

ui: ui/dist/index.html ## The web page, which the binary embeds

ui/node_modules/.package-lock.json: ui/package-lock.json | setup
	cd ui && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

ui/dist/index.html: ui/node_modules/.package-lock.json $(shell find ui/src ui/public ui/index.html ui/*.json ui/vite.config.ts -type f)
	cd ui && npm run --silent build

demo: setup release ## A shop of real programs, seen from the kernel (DEMO_SECONDS=n ends it by itself)
	@DEMO_SECONDS=$(DEMO_SECONDS) examples/demo/run

build: setup ui ## Debug build
	$(CARGO) build --workspace

release: setup ui ## Optimised build
	$(CARGO) build --release --bin tidewatch

test: setup ui ui/node_modules/.package-lock.json ## All tests: units, stories, end to end
	$(CARGO) test --workspace --no-fail-fast
	cd ui && npm test --silent

lint: setup ui ui/node_modules/.package-lock.json ## Format, clippy, licences, and dependencies that point downward
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@scripts/check-layers
	@scripts/check-licences
	cd ui && npx --no-install tsc --noEmit

compat: setup release ## The same spans through the Go Collector's connectors and ours
	@tests/compat/run

bench: setup release ## Benchmarks with a peer beside them
	@benches/run

fuzz-smoke: setup ## Each fuzz target for 20 seconds
	@scripts/fuzz-smoke

clean: ## Remove what was built
	$(CARGO) clean
