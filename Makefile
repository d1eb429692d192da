# make build   the command, static, in bin/
# make check   format, vet, laws, lint, build for arm64: under two minutes
# make test    every test, as root (when root) and as an ordinary user
# make bench   start-up time and launches per second, beside other launchers
# make fuzz    each fuzz target for FUZZTIME
#
# Nothing else is needed to work on the project. All targets run without a
# terminal and without questions.

export CGO_ENABLED = 0

GO ?= go
FUZZTIME ?= 30s
# More arguments for the test runner, such as -must-exercise.
TESTFLAGS ?=

.PHONY: all build check lint test bench fuzz clean

all: build

build:
	$(GO) build -trimpath -o bin/carrel ./cmd/carrel

# The tests of internal/lawtest prove that the laws can fail.
check:
	@unformatted="$$(gofmt -l .)" || exit 1; \
	if [ -n "$$unformatted" ]; then echo "gofmt: these files are not formatted:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	GOARCH=arm64 $(GO) build ./...
	$(GO) test -count=1 ./internal/lawtest
	$(GO) test -count=1 -run "^($$(sed -n 's/^func \(Test[A-Za-z]*\)(.*/\1/p' law_test.go | paste -s -d '|'))$$" .
	@$(MAKE) --no-print-directory lint

lint:
	@if command -v golangci-lint >/dev/null 2>&1; then \
		echo golangci-lint run; golangci-lint run; \
	else \
		echo "not exercised: golangci-lint is not installed"; \
	fi

test:
	sh scripts/test-deps.sh
	$(GO) run ./scripts/testrun $(TESTFLAGS)

bench:
	$(GO) run -trimpath ./bench/startup
	$(GO) run -trimpath ./bench/inprocess

fuzz:
	GO="$(GO)" sh scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin
