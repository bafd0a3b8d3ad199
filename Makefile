# What is run by hand. CI is .ci/run and needs no make.
.PHONY: test kill soak bench ci nightly

test: ## all tests, the slow ones in a short form
	go test ./...

kill: ## a kill at every passing of every named point
	go test ./internal/soak -run TestKill -soak -parallel 8 -timeout 30m

soak: ## 1,000 kills and 10,000 flows; a seed can be given: make soak SEED=1
	go test ./internal/soak -run TestSoak -soak -v -timeout 120m $(if $(SEED),-seed $(SEED))

bench: ## the figures of bench/README.md
	go test ./bench -bench . -run '^$$'

ci:
	.ci/run

nightly: ## what takes too long for every change
	.ci/nightly
