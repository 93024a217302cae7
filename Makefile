# TPRT: build, try, test, install. `make help` lists the targets.

SWIFT ?= swift
PREFIX ?= /usr/local
ADDRESS = 127.0.0.1
PORT = 10023
FUZZ_SECONDS = 30
FUZZ_TARGETS =
FUZZ_CASES = 20000
# How many simulated worlds there are; with SEED only that one.
SEEDS = 1000
# Only what is for trials may stay root.
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

RELEASE = $(shell scripts/release-flags)

.PHONY: help run build test check format generate completions fuzz fuzz-spf simulate simulate-faults bench bench-check bench-growth soak install \
	uninstall deb deb-check clean

help:
	@echo "make run      install what the build needs, build, and start tprtd on $(ADDRESS):$(PORT)"
	@echo "make test     install what the tests need, and run all of them"
	@echo "make check    format, shell scripts, links of the documents"
	@echo "make generate rewrite what derives from declarations (etc/tprt.conf, man, table of modules)"
	@echo "make fuzz     feed all readers, or FUZZ_TARGETS, what libFuzzer makes up, for FUZZ_SECONDS ($(FUZZ_SECONDS)) each"
	@echo "make fuzz-spf  compare SPF with pyspf on FUZZ_CASES ($(FUZZ_CASES)) random records"
	@echo "make simulate  let SEEDS ($(SEEDS)) simulated worlds run, or SEED=NUMBER alone (Tests/Simulation/README.md)"
	@echo "make simulate-faults  plant faults on purpose, and show that the simulation finds them (an hour)"
	@echo "make bench    measure beside a bare responder and postgrey, and rewrite docs/performance.md (five minutes)"
	@echo "make bench-check   measure a little, and compare with Benchmarks/thresholds.txt and allocations.txt (two minutes)"
	@echo "make bench-growth  measure with up to ten million entries (five minutes)"
	@echo "make soak     ten million requests: do memory and descriptors stay flat? (five minutes)"
	@echo "make deb      make the Debian packages below .build, and say how to install them"
	@echo "make deb-check  make them, let lintian look at them, take them through their lives, and through the documents on booted systems"
	@echo "make install  install below PREFIX ($(PREFIX)), to DESTDIR if that is set; make uninstall takes it away"
	@echo "make completions  write completions for bash, zsh and fish to .build/completions"
	@echo "make format   format the sources"

run: build
	@scripts/show-postfix-lines $(ADDRESS) $(PORT)
	@exec .build/release/tprtd $(AS_ROOT) --socket_type inet --socket_listen_host $(ADDRESS) --socket_listen_port $(PORT)

build:
	@scripts/install-packages build
	$(SWIFT) build $(RELEASE) --product tprtd
	@ln -sf tprtd .build/release/tprtctl

test:
	@scripts/install-packages test
	@scripts/run-tests

check:
	@scripts/install-packages test
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Integration Fuzz Benchmarks
	@scripts/check-tree

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Integration Fuzz

# What is derived from the declarations of settings and commands, and compared with them by tests.
generate:
	TPRT_GENERATE=1 $(SWIFT) test --filter 'ExampleFileTests|ManualFreshnessTests'
	scripts/module-table

completions: build
	packaging/completions .build/release .build/completions

fuzz:
	@scripts/install-packages build
	@scripts/fuzz $(FUZZ_SECONDS) "$$(nproc)" $(FUZZ_TARGETS)

fuzz-spf:
	@scripts/install-packages fuzz-spf
	SPF_CASES=1 $(SWIFT) build -c release --product spf-cases
	Fuzz/SPFCases/compare "$$(SPF_CASES=1 $(SWIFT) build -c release --show-bin-path)/spf-cases" $(FUZZ_CASES)

simulate:
	@scripts/install-packages build
	@Tests/Simulation/run $(if $(SEED),--seed $(SEED),$(SEEDS))

simulate-faults:
	@scripts/install-packages build
	@Tests/Simulation/plant

bench bench-check bench-growth soak: build
	@scripts/install-packages bench
	$(BENCHMARK)

bench: BENCHMARK = Benchmarks/report
bench-check: BENCHMARK = Benchmarks/check
bench-growth: BENCHMARK = Benchmarks/growth
soak: BENCHMARK = Benchmarks/soak

export PREFIX DESTDIR

install: build
	packaging/install-files install

uninstall:
	packaging/install-files uninstall

deb: build
	@scripts/install-packages package
	@rm -f .build/tprt_*.deb .build/tprt-postgrey_*.deb
	@packages=$$(packaging/build-deb) && set -- $$packages && echo "apt install ./$$1" && \
		echo "apt install ./$$1 ./$$2    # in the place of postgrey"

deb-check: build
	@scripts/install-packages package-check
	packaging/check-deb

clean:
	rm -rf .build
