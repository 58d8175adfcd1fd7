# The project's verbs. Each installs what it needs; `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help setup build demo dev test lint check-programs contracts clients sdk explorer tutorial bench docs deny
MAKEFLAGS += --no-print-directory

IVM := scripts/ivm

help: ## List the verbs
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-24s %s\n", $$1, $$2 }'

setup: ## Install what building and testing need
	@scripts/setup

build: ## Build ivm, optimised
	@$(IVM) --version

demo: ## A job delivered and proven; then a lie: challenged, refuted, slashed, undone
	@$(IVM) demo job
	@$(IVM) demo fraud

dev: ## Run a development chain at http://127.0.0.1:8545
	@$(IVM) dev

test: ## Run everything that CI runs
	@scripts/test

lint: ## Check format, lints and documentation of the Rust code
	@scripts/test format lint

check-programs: ## Rebuild the bundled programs and compare them with the committed ELFs
	@scripts/test check-programs

contracts: ## Test the contracts, their gas and their artifacts
	@scripts/test contracts

clients: ## Run viem, ethers, cast and forge against a node
	@scripts/test clients

sdk: ## Test the TypeScript SDK, alone and against a node
	@scripts/test sdk

tutorial: ## Do what the tutorial says, block after block
	@scripts/test tutorial

explorer: ## Look at the explorer page with a browser
	@scripts/test explorer

bench: ## Measure jobs and proofs: the figures of docs/benchmarks.md
	@$(IVM) bench jobs
	@$(IVM) bench prove

docs: ## Check the links of the documentation, and build the book (with mdbook)
	@scripts/docs

deny: ## Check licences, advisories, bans and sources of dependencies
	@scripts/test deny
