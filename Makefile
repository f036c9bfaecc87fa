# "make" alone lists the targets. What needs more than a line stands in tools/.

.DEFAULT_GOAL := help
.PHONY: help run cloud build plan test test-app times lint fuzz soak bench generate pictures change new test-tools \
	preview deploy deploy-policy verify prove drift emulate clean bin/dossier

# The version that "dossier version" tells: the nearest tag and what came after it.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

run: build ## build the app and serve it on http://localhost:8080, with its data in ./data; needs Go only
	bin/dossier serve

cloud: build ## run the app as in AWS, against a MySQL, an S3 and a DynamoDB server and a Parameter Store of its own, until Ctrl-C ("make test-tools" first)
	go build -o bin/cloud ./app/internal/cloud
	bin/cloud run bin/dossier

build: bin/dossier ## build the app into bin/dossier, as one static program

# Go itself knows what is out of date. Outside the workspace, so that it needs the app's modules alone, in the versions
# that a release has.
bin/dossier:
	GOWORK=off CGO_ENABLED=0 go build -C app -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o ../$@ ./cmd/dossier

# FORMAT=json has all of it. What the exit status of the program says is in docs/review.md. 6, that something wants a
# person's eye, is for that person to decide, and no failure here.
BASE ?= origin/main
FORMAT ?= markdown

plan: ## tell what the working tree changes in the stacks, without credentials (BASE=origin/main)
	@go build -o bin/plan/plan ./infra/cmd/plan
	@bin/plan/plan --base $(BASE) --format $(FORMAT) || [ $$? -eq 6 ]

test: ## install what tests need, and run all checks and tests
	tools/test

# Plain "go test ./app/..." starts no server, and leaves out what takes long.
test-app: test-tools ## run all of the app's tests, those with servers and a browser too, without the race detector
	DOSSIER_TEST_REQUIRE=1 go test ./app/...

times: ## measure how long the tests take, on a fresh clone; an hour, beside which nothing else should run
	tools/times

lint: ## run the checks that are no tests: format, vet, staticcheck, vulnerabilities, scripts, generated files
	tools/install programs
	tools/install packages
	tools/lint

fuzz: ## fuzz every target for a while (FUZZTIME=5m: for so long each)
	tools/fuzz

# CHAOS says for how long; DOSSIER_TEST_CHAOS_SEED repeats the chances of a run, which prints its own.
CHAOS ?= 10m

soak: test-tools ## kill instances, cut connections, damage files and attack, then compare everything (CHAOS=10m)
	DOSSIER_TEST_REQUIRE=1 DOSSIER_TEST_CHAOS=$(CHAOS) \
		go test -count 1 -v -timeout 0 -run '^(TestChaos|TestRot|TestSiege)$$' ./app/cmd/dossier

# Nothing else runs beside them; each takes as many rounds as ROUNDS says.
ROUNDS ?= 5

bench: test-tools ## run the benchmarks, beside bare use of the stores (ROUNDS=5, SEARCH=1000000, SCALE=100000)
	DOSSIER_TEST_REQUIRE=1 go test -run '^$$' -bench . -benchtime $(ROUNDS)x -timeout 60m ./app/cmd/dossier
	DOSSIER_TEST_REQUIRE=1 go test -run '^$$' -bench . -benchtime $(ROUNDS)x -timeout 60m ./app/people

generate: ## generate anew what is generated, the browser's scripts, the tables and drawings of docs/ among it
	tools/install packages
	go generate ./app/... ./infra/... ./plan/...
	go test ./app/web -run '^TestProblemsAreDocumented$$' -update
	go test ./infra -run '^(TestDocuments|TestResources|TestReachability)$$|^TestPlans$$/^comments$$' -update
	GOWORK=off go -C tools test ./changes -run '^TestPage$$' -update

pictures: test-tools ## make the pictures of docs/ anew, from the real pages
	DOSSIER_TEST_REQUIRE=1 go test -count 1 -run '^TestBrowser$$/^pictures$$' ./app/cmd/dossier -update

# CHANGE names a file of tools/changes/testdata, without .patch. With KEEP=yes, its patch is written anew from what was
# edited in the copy: open it first, and generate nothing there.
change: ## open a change of docs/ten-changes.md in a copy (CHANGE=04-throttle-alarm), or keep it (KEEP=yes)
	@GOWORK=off go -C tools run ./changes $(if $(KEEP),keep,open) "$(CHANGE)"

# NAME has 3 to 10 lower-case letters and digits, and is no word of this repository. TITLE="Acme Files" is what people
# read, of up to 40 ASCII letters and digits, spaces and hyphens; without it, the capitalized name.
new: ## turn a clone into a project of your own, with its own names everywhere (NAME=acme MODULE=github.com/acme/files)
	@GOWORK=off go -C tools run ./rename --root .. --name "$(NAME)" --module "$(MODULE)" --title "$(TITLE)"

test-tools: ## install what tests need: MariaDB, Chromium, an SSH, an S3 and a DynamoDB server, the Pulumi CLI, checkers
	tools/install

# STACK=dev names the environment. Credentials of AWS and the place of the state come from the environment; see
# docs/review.md.
preview: ## show what "pulumi up" would change in AWS (STACK=dev)
	tools/stack preview "$(STACK)"

deploy: ## deploy: "pulumi up" without a question (STACK=dev)
	tools/stack deploy "$(STACK)"

# Domain, zone and web ACL are those of the settings, where they name some.
deploy-policy: ## write the IAM policies of who deploys (STACK=dev ACCOUNT=123456789012 REGION=us-east-1 DOMAIN= ZONE= WEB_ACL=); nothing is called
	@go run ./infra/cmd/deployer --stack "$(STACK)" --account "$(ACCOUNT)" --region "$(REGION)" --domain "$(DOMAIN)" --zone "$(ZONE)" --web-acl "$(WEB_ACL)" --dir "bin/deploy-policy/$(STACK)"

verify: ## verify that what was deployed serves (STACK=dev)
	tools/stack verify "$(STACK)"

# FORMAT is table, json or markdown. DRILLS names what changes something and is undone, of
# replace,rollback,restore,point,again: docs/verification.md. A protected stack wants PROD=yes for them.
DRILLS ?=
PROD ?=

prove: FORMAT = table
prove: ## compare what was deployed with its settings, point by point (STACK=dev FORMAT=table DRILLS=replace,point)
	@FORMAT="$(FORMAT)" DRILLS="$(DRILLS)" PROD="$(PROD)" tools/stack prove "$(STACK)"

drift: ## fail if AWS is not as the state says (STACK=dev)
	tools/stack drift "$(STACK)"

emulate: ## deploy dev into an emulated AWS, and remove it; needs Docker and Pulumi, and no AWS account (untried)
	tools/emulate

clean: ## remove what was built and installed here; the data stays
	rm -rf bin .stackplan .tools tools/node_modules
