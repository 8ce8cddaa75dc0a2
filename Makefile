# `make help` lists the targets. Everything here also works by hand: the commands are short.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= 2
BINARY := .build/release/odometer
PYTHON_TOOLS := .tools/venv
PEER_TOOLS := .build/peers
SWIFT_DIRS := Package.swift $(wildcard Sources Tests Benchmarks Fuzz)

# For `make demo`: a real Kafka (host:port,…) and a real Redis (redis://…, rediss://… or host:port),
# with TLS the PEM files of its CA and, where it asks for them, of a certificate and its key.
KAFKA ?=
REDIS ?=
REDIS_CA ?=
REDIS_CERT ?=
REDIS_KEY ?=

.PHONY: help setup setup-test build release install uninstall test test-fast soak fuzz faults replay-check demo bench bench-beside bench-cluster bench-http bench-https bench-tls bench-freshness bench-idle bench-ingest bench-peers bench-records servers lint format embed clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

setup: ## install the Debian packages that building needs (root or sudo; says so first)
	@.ci/setup build

setup-test:
	@.ci/setup test

build: setup ## build the optimized executable, Swift's runtime linked in: .build/release/odometer
	@Tests/run build

release: setup ## the same without symbols, and its manual page: .build/dist; runs where no Swift is installed
	@Tests/run release

install: ## after `make release`, as root where needed: PREFIX=/usr/local DESTDIR=
	@scripts/install add

uninstall: ## remove what `make install` put there; PREFIX=/usr/local DESTDIR=
	@scripts/install remove

test: setup-test $(PYTHON_TOOLS)/ready ## everything: lint, units, Redis, Kafka, end to end, schemas, documents
	@Tests/run all

test-fast: setup-test $(PYTHON_TOOLS)/ready ## the same without broker and slow suites, at most 2 minutes
	@Tests/run fast

fuzz: setup-test ## RUNS=1000000 inputs for the scanner, times and records, a tenth for requests and catalogs; SEED=1
	@Tests/run fuzz

soak: setup-test ## SEEDS=2000 seeds of the simulation from FIRST=1 on
	@Tests/run soak

faults: setup-test build $(PYTHON_TOOLS)/ready ## real faults on three brokers; ONLY=F7 SEED=N RESUME=FILE FULL=1 (docs/FAULTS.md)
	@TEST_BINARY=$(CURDIR)/$(BINARY) exec $(PYTHON_TOOLS)/bin/python3 Tests/Faults/table.py

replay-check: setup-test $(PYTHON_TOOLS)/ready ## EVENTS=2000000 at a rate, at 60 times their spacing, and flat: each checked, its report in docs/replays
	@Tests/run replays

demo: build ## events, numbers and answers on this machine; KAFKA=host:port REDIS=host:port for real ones (with TLS: REDIS=rediss://… REDIS_CA=FILE)
	@exec $(BINARY) demo $(if $(KAFKA),--bootstrap '$(KAFKA)') \
	  $(if $(REDIS),--redis '$(if $(findstring ://,$(REDIS)),,redis://)$(REDIS)') \
	  $(if $(REDIS_CA),--redis-ca '$(REDIS_CA)') $(if $(REDIS_CERT),--redis-cert '$(REDIS_CERT)') \
	  $(if $(REDIS_KEY),--redis-key '$(REDIS_KEY)')

bench: setup-test build $(PYTHON_TOOLS)/plots ## the shipped catalog, how its cost grows, a small catalog beside other programs: PARTS=shipped,growth,small; EVENTS=N ROUNDS=N BASE=OLDER_BUILD
	@exec Benchmarks/run

bench-beside: setup-test build ## answers at 1,000 requests/s while events are counted, Redis with and without a core of its own
	@exec Benchmarks/beside

bench-cluster: setup-test build ## Redis Cluster: CPU of one, two and three masters, and the wait of shards that move
	@exec Benchmarks/cluster

bench-http: setup-test build ## requests/s of each route beside a bare C program, and answers while events are counted
	@exec Benchmarks/http

bench-https: setup-test build ## what HTTPS costs: answers/s, times, handshakes, memory of connections
	@exec Benchmarks/https

bench-tls: setup-test build ## what TLS to Redis costs a drain of the shipped catalog; EVENTS=N ROUNDS=N
	@exec Benchmarks/tls

bench-freshness: setup-test build ## from the moment an event is due to the moment it is visible; SHARE=70 percent
	@exec Benchmarks/freshness

bench-idle: setup-test build ## CPU without events, and how fast a restart is back
	@exec Benchmarks/idle

bench-ingest: setup-test build $(PYTHON_TOOLS)/ready ## events over HTTP: rates, CPU and times of bodies and of single events; needs KAFKA_BOOTSTRAP
	@TEST_BINARY=$(CURDIR)/$(BINARY) exec $(PYTHON_TOOLS)/bin/python3 Benchmarks/ingest.py

bench-peers: setup-test build $(PEER_TOOLS)/ready ## beside Quix Streams and Bytewax: rates, and numbers after disturbances; PEERS=NAMES DISTURBANCES=NAMES
	@exec Benchmarks/peers/run

bench-records: setup-test build $(PYTHON_TOOLS)/ready ## events as JSON, Avro and Protobuf: rates, beside Python's deserializers and a C program; EVENTS=N ROUNDS=N
	@exec $(PYTHON_TOOLS)/bin/python3 Benchmarks/records

servers: setup-test build $(PYTHON_TOOLS)/ready ## count on every Redis and Valkey that is here or that Debian's newer suites have, in every shape: SERVERS=REGEX SHAPES=REGEX
	@Tests/Servers/fetch
	@Tests/run servers

lint: ## the house style, and the syntax of the Lua script
	@luac5.1 -p Sources/Ledger/Commit/commit.lua
	@swift format lint --strict --parallel --recursive --configuration .swift-format $(SWIFT_DIRS)

format: ## bring the sources into the house style
	@swift format --in-place --parallel --recursive --configuration .swift-format $(SWIFT_DIRS)

embed: ## write schemas/ and commit.lua into the sources again
	@scripts/embed

clean: ## remove everything that was built or fetched
	@rm -rf .build .tools

# The Python packages of the tests, in a folder of their own.
$(PYTHON_TOOLS)/ready: Tests/Clients/requirements.txt Tests/Clients/servers.txt Tests/Clients/sdks.txt
	@Tests/run python-tools

# For the plots of the benchmark, which goes on without them.
$(PYTHON_TOOLS)/plots: Benchmarks/requirements.txt
	@-Tests/run plot-tools

# What Odometer is compared with; without it that benchmark says that it is skipped.
$(PEER_TOOLS)/ready: Benchmarks/peers/requirements.txt
	@-Tests/run peer-tools

export JOBS PYTHON_TOOLS PEER_TOOLS BINARY SEEDS FIRST
