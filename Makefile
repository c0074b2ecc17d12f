FUZZTIME ?= 10m
MUTATIONS ?= 1000000
LOSSES ?= 10000
BENCH ?= .
BENCHCOUNT ?= 6
KILLS ?= 200
FAULTS ?= 1
SESSIONS ?= 40000
UPLOADS ?= 10000
READERS ?= 1000
READTIME ?= 2m
FLIPS ?= 10000
TARGET ?= .
RECORD ?=
ROWS ?= 1000000
PLAY ?= --suite full
ONCE ?=
# runs a check and says which row of docs/reliability.md it fills; with RECORD=1 it does fill it
REPORT = go run ./internal/report $(if $(RECORD),-record) --
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: help build man test e2e demo forms fuzz mutate faults loss oracle bench compare figures viewers crash lint update clean play console web-test sessions test-image test-scale image cuts clock soak slow flips same seeds reliability growth

help: ## what can be made
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: console ## bin/weir, static, with the version of the working tree
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/weir ./cmd/weir

man: ## the manual pages, into out/man: man out/man/weir.1
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || date +%s) WEIR_MAN="$(CURDIR)/out/man" go test -count=1 -ldflags '-X github.com/seed63bb8431/weir/cmd/weir.version=$(VERSION)' -run '^TestMan$$' ./cmd/weir

console: ## the page of the console, which build embeds; needs npm, and is left out without it
	@scripts/console.sh

test: ## every check; as root with apt it also installs the tools that are missing
	@scripts/test.sh

image: ## a container image, weir:latest, by docker
	docker build --file deploy/Dockerfile --build-arg VERSION='$(VERSION)' --tag weir .

test-image: build ## the image's steps without docker, and the unit under systemd in a container; as root with apt; PARTS (unit image service)
	@scripts/testimage.sh

test-scale: ## archives that servers share, over PostgreSQL and an S3 server on loopback: stores, clients, players, servers that are killed; PARTS
	@scripts/tools.sh
	@scripts/scale.sh $(PARTS)

e2e: ## the server, driven by real clients: curl, boto3, the AWS command line, the SDKs for Go and JavaScript; MUTATIONS damaged uploads
	@scripts/tools.sh
	@e2e/run.sh

play: ## streaming sessions in real players: the matrix that PLAY (--suite full) names, with a report in out/play
	@scripts/tools.sh
	@play/run.sh $(PLAY) --out "$(CURDIR)/out/play"
web-test: build ## the console, driven in Chromium; screenshots are put into SHOTS when that names a folder
	@scripts/tools.sh
	@scripts/webtest.sh

demo: build ## a server with a camera that uploads, and where to see it: console, HLS, DASH, SDK; ONCE=--once checks them and ends
	@scripts/demo.sh $(ONCE)

forms: build ## remux testdata/sample.mkv into every form below out/forms and check the results
	@scripts/forms.sh

sessions: build ## what streaming sessions serve of ten uploads, LIVE, LIVE_REPLAY and ON_DEMAND, judged rule by rule; takes some minutes
	@scripts/sessions.sh

fuzz: ## each fuzz target that TARGET matches, for FUZZTIME (10m); RECORD=1 adds its executions to docs/reliability.json
	@$(REPORT) scripts/fuzz.sh $(FUZZTIME) '$(TARGET)'

mutate: ## MUTATIONS (1000000) damaged files through the whole pipeline
	@$(REPORT) env WEIR_MUTATIONS=$(MUTATIONS) go test -count=1 -timeout 0 -v -run '^TestMutations$$' ./internal/mutate

cuts: ## each file of testdata, cut off at each byte
	@$(REPORT) env WEIR_CUTS=1 go test -count=1 -timeout 0 -v -run '^TestTruncation$$' .

faults: ## an error at each operation (FAULTS=61: at one of 61) of the store's work on its files and its index, one after the other
	@$(REPORT) env WEIR_FAULTS=$(FAULTS) go test -count=1 -timeout 0 -v -run 'Faults$$' ./archive/store/...

loss: ## LOSSES (10000) workloads of the store that end in the loss of what was not synced
	@$(REPORT) env WEIR_LOSSES=$(LOSSES) go test -count=1 -timeout 0 -v -run '^TestCrash$$' ./archive/store/local

clock: ## steps of the server's clock: an hour back, an hour forward, a leap second
	@$(REPORT) go test -count=1 -v -run '^TestClockSteps' ./archive

soak: build ## SESSIONS (40000) and UPLOADS (10000) opened and closed, and what the server has then that it had not before
	@$(REPORT) go run ./internal/endure soak -weir bin/weir -sessions $(SESSIONS) -uploads $(UPLOADS)

slow: build ## READERS (1000) of 100 bytes a second beside healthy ones, which read for READTIME (2m), in 256 MiB
	@$(REPORT) go run ./internal/endure slow -weir bin/weir -readers $(READERS) -time $(READTIME)

flips: build ## FLIPS (10000) bits turned in what is stored, below a server that goes on
	@$(REPORT) go run ./internal/endure flips -weir bin/weir -flips $(FLIPS)

same: build ## the same requests before and after a restart, and to a server with a copy: the same bytes
	@$(REPORT) go run ./internal/endure same -weir bin/weir

seeds: ## counts what tests and fuzz targets begin with
	@$(REPORT) go run ./internal/endure seeds

reliability: build ## all of these in turn, with little of each; FULL=1: with all of it, for many hours; RECORD=1 fills the table
	@scripts/reliability.sh $(FULL)

oracle: build ## every form of a larger collection of media against what independent tools read, where it is there
	@$(REPORT) scripts/oracle.sh

bench: ## Go benchmarks, BENCHCOUNT (6) runs of those that match BENCH
	go test -run '^$$' -bench '$(BENCH)' -count $(BENCHCOUNT) ./...

compare: build ## speed and memory against what is promised, beside cp, ffmpeg -c copy and other libraries
	@scripts/compare.sh

figures: build ## how fast the server takes fragments and gives them back, and its memory; ROWS (1000000) rows are kept in out/rows for the next time
	go run ./internal/load -weir bin/weir -rows $(ROWS) -rows-data out/rows

viewers: build ## what streaming sessions cost: wrk on each resource beside nginx, 1000 viewers of a live stream; FLAGS of internal/load
	@scripts/viewers.sh $(FLAGS)

crash: build ## kill the server KILLS (200) times while producers upload, and fill its disk up; KILLS=0: only that
	@$(REPORT) go run ./internal/crash -weir bin/weir -kills $(KILLS)

growth: ROWS = 100000
growth: ## what the index costs as it grows to ROWS (100000) rows, in SQLite and in a PostgreSQL that it starts, with a picture; report in OUT (out/growth)
	@scripts/growth.sh $(ROWS)

lint: ## staticcheck, and golangci-lint when it is installed
	go tool staticcheck ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo 'golangci-lint is not installed: .golangci.yml was not applied'; fi

update: ## rewrite the golden files of the packages that have some
	@scripts/update.sh

clean: ## remove what was built
	rm -rf bin dist out web/dist/console
