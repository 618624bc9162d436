.DEFAULT_GOAL := help
.PHONY: help run demo test docs-test peers deps conformance soak torture fuzz fuzz-coverage bench lint \
	picture diagrams feed dist package-test

# `make lint DENY=no` skips cargo-deny, which downloads advisories.
DENY ?= $(shell command -v cargo-deny)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build, and start a session with the built-in echo server
	cargo run --release -- demo

demo: ## run the examples, and measure push against polling
	cargo build --locked --bin sockeye --examples
	examples/demo

test: peers ## run all tests except conformance, and of torture a sample
	cargo test --locked
	cargo test --locked --test peers
	cargo build --locked
	python3 tests/torture/run.py --sample 60

docs-test: peers ## run the commands of README.md and docs/, and compare what they show
	cargo test --locked --test tests -- guides:: listen::guide conversations:: decode::the_documented listen::reply
	cargo test --locked --test peers -- guides::

peers: ## install the WebSocket implementations for the test target `peers` into target/peers
	@tests/peers/install

deps: ## list the programs that the test target `peers` needs, and report missing ones
	@tests/peers/install --check

conformance: peers ## run the Autobahn cases, as client, as server, over HTTP/2 and through the proxy
	cargo build --release --locked
	python3 tests/conformance/run.py --bin target/release/sockeye

soak: ## run servers and clients for SOAK_SECONDS (600): nothing may be lost, and nothing may grow
	cargo build --release --locked
	python3 tests/soak/run.py --bin target/release/sockeye

torture: ## let each system call of many conversations fail once, by strace
	cargo build --locked
	python3 tests/torture/run.py

fuzz: ## run the fuzzers for FUZZ_SECONDS (300) in all; needs a nightly toolchain and cargo-fuzz
	fuzz/run

fuzz-coverage: ## measure what the kept inputs of the fuzzers reach; needs llvm-tools, too
	fuzz/coverage

bench: peers ## run the benchmarks, and compare the program with other servers, clients and proxies
	benches/listen/install
	cargo bench --locked
	cargo build --release --locked
	python3 benches/compare.py --bin target/release/sockeye
	python3 benches/proxy.py --bin target/release/sockeye

picture: ## record docs/picture/session.svg, drawn by pyte
	cargo build --release --locked
	python3 -m venv target/picture
	target/picture/bin/pip install --quiet pyte==0.8.2
	target/picture/bin/python docs/picture/record.py target/release/sockeye docs/picture/session.svg

diagrams: ## render the diagrams of docs/protocol.md, which needs npm and chromium
	docs/picture/diagrams

feed: ## measure push against polling, and draw docs/picture/feed.svg
	cargo run --release --locked --example trading_feed -- --svg docs/picture/feed.svg

dist: ## build static binaries and packages into target/dist
	packaging/dist

package-test: ## test the packages in target/dist
	packaging/test

lint: export RUSTDOCFLAGS = -Dwarnings
lint: ## check formatting, clippy, documentation and dependencies
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --test peers --locked -- -D warnings
	cargo doc --no-deps --locked
	$(if $(filter-out no,$(DENY)),cargo deny check,@echo 'cargo deny: skipped')
