# The two commands: `make run` and `make test`. Each installs the Debian or Ubuntu packages that
# it lacks (it says which first), builds, and runs. `make help` lists the rest.

SHELL := /bin/bash
# rustup puts cargo here, and a shell that was open before does not know.
export PATH := $(PATH):$(HOME)/.cargo/bin
.DEFAULT_GOAL := help

# Arguments for the daemon: make run ARGS="--config my.toml"
ARGS ?=
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 5
export FUZZ_SECONDS

.PHONY: help run build deb test bench fmt lint unit page fuzz browser network clients camera screenshot thorough soak test-deb test-systemd test-debian13 bigfile packages rust

help: ## what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## /make \1\t/p' Makefile | expand -t 20

run: build ## install what is missing, build, and show this machine in a browser
	@scripts/packages run
	@exec target/release/vitrina run $(ARGS)

build: rust ## the release binary alone: target/release/vitrina
	@scripts/packages build
	cargo build --release --locked
	@target/release/vitrina generate $(GENERATED)

deb: ## a Debian package, for Debian 12 and 13: target/debian/
	@scripts/deb

test: ## install what is missing and run every check below
	@scripts/test

fmt: rust ## put the code into its form
	cargo fmt

lint: ## formatting and clippy
	@scripts/test format lint

unit: ## the Rust tests, with real GStreamer elements
	@scripts/test rust

page: ## the page's own functions, in Node
	@scripts/test page

fuzz: ## all that is parsed of what comes from outside, FUZZ_SECONDS each
	@scripts/test fuzz

browser: ## the daemon's page in real Chromium and Firefox
	@scripts/test browser

network: ## viewers behind NAT, firewalls and a TURN server, on hosts of the tests' own
	@scripts/test network

clients: ## a second WebRTC implementation, through docs/protocol.md
	@scripts/test clients

camera: ## a real V4L2 device, in a virtual machine
	@scripts/test camera

# make bench BENCH="--quick congestion"; scripts/bench --help tells what there is.
BENCH ?=
bench: ## install what is missing, and measure the daemon beside its peers: docs/benchmarks.md
	@scripts/bench $(BENCH)

# make soak SOAK="joins wire"; scripts/soak --help tells what there is.
SOAK ?=
soak: ## faults of every kind for half an hour, and the table of them: docs/reliability.md
	@scripts/soak $(SOAK)

thorough: ## more of what people do, and how it all looks: too long for every run of the tests
	@scripts/test thorough

test-deb: ## the package installed, run and purged in clean Debian 12 and 13 (as root)
	@scripts/test deb

test-systemd: ## the installed unit under systemd in a virtual machine: killed, hung, cut off, without disk
	@scripts/test systemd

test-debian13: ## the Rust tests with Debian 13's GStreamer (as root; VITRINA_DEBIAN13: which of them)
	@scripts/test debian13

bigfile: ## 1 GB from page to page, beside a bare data channel (BIGFILE_MB=200: less)
	@scripts/test bigfile

screenshot: ## draw docs/screenshot.png again
	@scripts/test screenshot

packages: ## every Debian package that run and test need
	@scripts/packages build run test

rust:
	@scripts/rust

# ---- On this machine, for good ------------------------------------------------------------------

# make build, then: sudo make install    (PREFIX=/usr/local; DESTDIR= for packages)
PREFIX ?= /usr/local
DESTDIR ?=
BINARY ?= target/release/vitrina
UNITS = $(PREFIX)/lib/systemd
DOC = $(SHARE)/doc/vitrina

.PHONY: install uninstall

# Manual pages and completions, which the program writes itself.
GENERATED ?= target/generated
SHARE = $(PREFIX)/share
# zsh looks into the one folder for what is the distribution's, into the other for what is not.
ZSH = $(SHARE)/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

# Builds nothing: root seldom has a Rust toolchain, and should not own what lies in target/.
install: ## put program, units and documents under PREFIX (sudo; make build first)
	@[ -x $(BINARY) ] && [ -d $(GENERATED) ] || { echo "$(BINARY) is not there; first, without sudo: make build" >&2; exit 1; }
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/vitrina
	install -D -m 644 systemd/vitrina.service $(DESTDIR)$(UNITS)/system/vitrina.service
	install -D -m 644 systemd/user/vitrina.service $(DESTDIR)$(UNITS)/user/vitrina.service
	sed -i 's|/usr/local/|$(PREFIX)/|' $(DESTDIR)$(UNITS)/system/vitrina.service $(DESTDIR)$(UNITS)/user/vitrina.service
	install -D -m 644 systemd/vitrina.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/vitrina.conf
	install -D -m 644 -t $(DESTDIR)$(DOC) README.md ARCHITECTURE.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
	install -D -m 644 -t $(DESTDIR)$(DOC)/config config/vitrina.toml config/prometheus-alerts.yml
	install -D -m 644 -t $(DESTDIR)$(DOC)/config/grafana config/grafana/vitrina.json
	install -D -m 644 -t $(DESTDIR)$(SHARE)/vitrina config/vitrina.toml
	install -D -m 644 -t $(DESTDIR)$(SHARE)/man/man1 $(GENERATED)/*.1
	install -D -m 644 $(GENERATED)/vitrina.bash $(DESTDIR)$(SHARE)/bash-completion/completions/vitrina
	install -D -m 644 -t $(DESTDIR)$(ZSH) $(GENERATED)/_vitrina
	install -D -m 644 -t $(DESTDIR)$(SHARE)/fish/vendor_completions.d $(GENERATED)/vitrina.fish
	install -D -m 644 -t $(DESTDIR)$(DOC)/docs docs/*.md docs/openapi.yaml $(wildcard docs/*.png)
	@$(if $(DESTDIR),,if command -v systemd-sysusers >/dev/null; then systemd-sysusers $(PREFIX)/lib/sysusers.d/vitrina.conf; fi)
	@$(if $(DESTDIR),,if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi)
	@echo "Next: systemctl enable --now vitrina (cameras), or in a desktop session systemctl --user enable --now vitrina"

uninstall: ## take it away again; /etc/vitrina, /var/lib/vitrina and the user stay
	rm -f $(DESTDIR)$(PREFIX)/bin/vitrina
	rm -f $(DESTDIR)$(UNITS)/system/vitrina.service $(DESTDIR)$(UNITS)/user/vitrina.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/vitrina.conf
	rm -f $(DESTDIR)$(SHARE)/man/man1/vitrina.1 $(DESTDIR)$(SHARE)/man/man1/vitrina-*.1
	rm -f $(DESTDIR)$(SHARE)/bash-completion/completions/vitrina $(DESTDIR)$(ZSH)/_vitrina
	rm -f $(DESTDIR)$(SHARE)/fish/vendor_completions.d/vitrina.fish
	rm -rf $(DESTDIR)$(DOC) $(DESTDIR)$(SHARE)/vitrina
	@$(if $(DESTDIR),,if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi)
