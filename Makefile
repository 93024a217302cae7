# TPRT: build, try, test, install. `make help` lists the targets.

SWIFT ?= swift
PREFIX ?= /usr/local
ADDRESS = 127.0.0.1
PORT = 10023
FUZZ_SECONDS = 30
# Only what is for trials may stay root.
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help run build test check format generate fuzz bench install clean

help:
	@echo "make run      install what the build needs, build, and start tprtd on $(ADDRESS):$(PORT)"
	@echo "make test     install what the tests need, and run all of them"
	@echo "make check    format, shell scripts, links of the documents"
	@echo "make generate write anew what derives from the settings (etc/tprt.conf)"
	@echo "make fuzz     feed the decoders random replies for FUZZ_SECONDS ($(FUZZ_SECONDS))"
	@echo "make bench    measure against a bare responder and postgrey"
	@echo "make install  install below PREFIX ($(PREFIX))"
	@echo "make format   format the sources"

run: build
	@scripts/show-postfix-lines $(ADDRESS) $(PORT)
	@exec .build/release/tprtd $(AS_ROOT) --socket_type inet --socket_listen_host $(ADDRESS) --socket_listen_port $(PORT)

build:
	@scripts/install-packages build
	$(SWIFT) build -c release --product tprtd
	$(SWIFT) build -c release --product tprtctl

test:
	@scripts/install-packages test
	@scripts/run-tests

check:
	@scripts/install-packages test
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Integration Fuzz Benchmarks
	@scripts/check-tree

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Integration Fuzz

# What is derived from the declarations of the settings, and compared with them by a test.
generate:
	TPRT_GENERATE=1 $(SWIFT) test --filter ExampleFileTests

# Inputs that are found go to a copy of the corpus. Swift's own crash handler would take the signal from libFuzzer.
fuzz:
	@scripts/install-packages build
	FUZZ=1 $(SWIFT) build -c release --product RESPFuzz --scratch-path .build/fuzz
	swiftc -sanitize=fuzzer .build/fuzz/release/libRESPFuzz.a -o .build/fuzz/resp
	mkdir -p .build/fuzz/corpus
	SWIFT_BACKTRACE=enable=no .build/fuzz/resp -max_total_time=$(FUZZ_SECONDS) -max_len=2000 \
		.build/fuzz/corpus Fuzz/RESP/corpus

bench: build
	Benchmarks/run

install: build
	install -D -m 755 .build/release/tprtd $(DESTDIR)$(PREFIX)/sbin/tprtd
	install -D -m 755 .build/release/tprtctl $(DESTDIR)$(PREFIX)/bin/tprtctl
	install -D -m 644 etc/tprt.conf $(DESTDIR)$(PREFIX)/share/doc/tprt/tprt.conf

clean:
	rm -rf .build
