# `make help` lists the targets. test, quick and demo need Go alone; the steps of CI
# install what else they need, see .ci/run.

.PHONY: help test quick demo lint api examples race browser measure attack packages replication fuzz ci

help: ## this list
	@grep -hE '^[a-z]+: .*## ' Makefile | sed 's/: .*## /\t/' | expand -t 12

test: ## the tests of the library
	go test ./...
quick: ## the tests of the library without the long sieges, in under 20 seconds
	go test -short ./...
demo: ## the main job: a password reset, from the first request to the last SMS
	go run ./examples/quickstart

lint: ## format, vet, tidy, staticcheck, govulncheck
	.ci/run lint
api: ## the exported API against its baseline
	.ci/run api
examples: ## the examples and the single binary, with the databases
	.ci/run examples
race: ## everything under the race detector, with the databases
	.ci/run race
browser: ## the reset page in Chromium
	.ci/run browser
measure: ## answer times, memory, rates
	.ci/run measure
attack: ## attackers at a larger size
	.ci/run attack
packages: ## .deb, .rpm, SBOM and image files of the single binary, tried on this machine
	.ci/run packages
replication: ## SQLite's file copied by Litestream, and the machine lost
	.ci/run replication
fuzz: ## fuzz targets and benchmarks
	.ci/run fuzz

ci: ## all steps of CI, about half an hour
	.ci/run
