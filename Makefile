.DEFAULT_GOAL := help
.PHONY: help run test peers deps conformance bench lint picture

# `make lint DENY=no` leaves cargo-deny out, which asks the network for advisories.
DENY ?= $(shell command -v cargo-deny)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build, and talk to an echo server inside the process
	cargo run --release -- demo

test: peers ## all tests but conformance
	cargo test --locked
	cargo test --locked --test peers

peers: ## install the programs that the target `peers` of the tests talks to, into target/peers
	@tests/peers/install

deps: ## say what the tests against other programs need, and whether it is there
	@tests/peers/install --check

conformance: peers ## the Autobahn cases, as client and as server
	cargo build --release --locked
	python3 tests/conformance/run.py --bin target/release/sockeye

bench: ## time the protocol's parts, and the program beside the clients that are installed
	cargo bench --locked
	cargo build --release --locked
	python3 benches/compare.py --bin target/release/sockeye

picture: ## record docs/picture/session.svg, with a terminal drawn by pyte
	cargo build --release --locked
	python3 -m venv target/picture
	target/picture/bin/pip install --quiet pyte==0.8.2
	target/picture/bin/python docs/picture/record.py target/release/sockeye docs/picture/session.svg

lint: export RUSTDOCFLAGS = -Dwarnings
lint: ## formatting, clippy, documentation, dependencies
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --test peers --locked -- -D warnings
	cargo doc --no-deps --locked
	$(if $(filter-out no,$(DENY)),cargo deny check,@echo 'cargo deny: left out')
