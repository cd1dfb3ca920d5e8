# One target for each task. Needs Python 3.11 or newer and make 3.81 or newer.
#
#   PYTHON=python3.13   the interpreter that .venv is made with
#   LOCAL=docker        or ministack; auto takes Docker where an engine answers
#   PORT=4600           the emulator's; the next one is the local Rekognition's

PYTHON ?= python3
LOCAL ?= auto
PORT ?= 4566

# deploy and destroy use the caller's AWS credentials, so each must be the only target. Every other
# target works on this machine, with the emulators' test credentials: it cannot reach an AWS account,
# whatever the shell has set.
ON_AWS := $(filter deploy destroy,$(MAKECMDGOALS))
ifneq ($(ON_AWS),)
ifneq ($(words $(MAKECMDGOALS)),1)
$(error $(firstword $(ON_AWS)) must be the only target: it alone uses your AWS credentials)
endif
unexport AWS_ENDPOINT_URL
else
export AWS_ACCESS_KEY_ID := test
export AWS_SECRET_ACCESS_KEY := test
export AWS_DEFAULT_REGION := us-east-1
export AWS_REGION := us-east-1
unexport AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN
unexport AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ENDPOINT_URL
endif

VENV := .venv/uv.lock.sha256
INFRA := .venv/bin/python -m infra
ON_ALL_CORES := --numprocesses auto
EMULATOR := --emulator $(LOCAL) --port $(PORT)
ENDPOINT := --endpoint-url http://localhost:$(PORT)

.DEFAULT_GOAL := help
.PHONY: help demo local-up local-down follow upload logs trace status models accuracy unit test test-rest test-all lint simulate chaos mutation fuzz corpus bench check audit synth deploy destroy schemas lock clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV) ## start everything, process one photo and show the results (PHOTO=...)
	@$(INFRA) demo $(EMULATOR) $(if $(PHOTO),"$$PHOTO")

local-up: $(VENV) ## start the local environment and deploy to it; prints addresses and commands
	@$(INFRA) up $(EMULATOR)

local-down: ## stop everything; its data is deleted
	@if [ -x .venv/bin/python ]; then $(INFRA) down; fi

follow: $(VENV) ## print notifications as they arrive (Ctrl-C ends)
	@$(INFRA) follow $(ENDPOINT)

upload: $(VENV) ## copy a file into the uploads bucket: FILE=photo.jpg (KEY=..., OWNER=...)
	@if [ -z "$$FILE" ]; then echo "error: which file? make upload FILE=photo.jpg" >&2; exit 2; fi
	@$(INFRA) upload $(ENDPOINT) "$$FILE" $(if $(KEY),--key "$$KEY") $(if $(OWNER),--owner "$$OWNER")

logs: $(VENV) ## show what the functions log (SERVICE="resize store" IMAGE=... SINCE=30m FOLLOW=1)
	@$(INFRA) logs $(ENDPOINT) $$SERVICE $(if $(IMAGE),--image "$$IMAGE") $(if $(SINCE),--since "$$SINCE") \
		$(if $(FOLLOW),--follow)

trace: $(VENV) ## show one image's timeline, hop by hop (IMAGE=...)
	@if [ -z "$$IMAGE" ]; then echo "error: which image? make trace IMAGE=<its id>" >&2; exit 2; fi
	@$(INFRA) trace $(ENDPOINT) "$$IMAGE"

status: $(VENV) ## show the number of messages in each queue
	@$(INFRA) status $(ENDPOINT)

models: $(VENV) ## fetch the local Rekognition's weights; print sources, sizes and licences
	@.venv/bin/python -m infra.rekognition models

accuracy: $(VENV) ## measure the local Rekognition's accuracy, and write docs/accuracy.md
	@.venv/bin/python -m tests.lab.accuracy

unit: $(VENV) ## run the unit, contract and architecture tests (1 minute)
	@.venv/bin/pytest $(ON_ALL_CORES) -m "not slow" tests/unit tests/contract tests/architecture

test: lint ## run every test that is not slow (4 minutes; ARGS="-k word": those alone)
	@.venv/bin/pytest $(or $(ARGS),$(ON_ALL_CORES) -m "not slow" $(if $(COVERAGE),--cov --cov-report=))

test-rest: $(VENV) ## run the slow tests (15 minutes)
	@$(if $(COVERAGE),.venv/bin/coverage report)
	@.venv/bin/pytest $(ON_ALL_CORES) -m slow

test-all: COVERAGE := 1
test-all: test test-rest ## run every test, and print the coverage

simulate: $(VENV) ## simulate the saga under seeded faults (RUNS=10000 SEED=1 PROFILE=...)
	@.venv/bin/python -m tests.lab.simulator --runs $(or $(RUNS),10000) --seed $(or $(SEED),1) \
		$(if $(PROFILE),--profile $(PROFILE))

chaos: $(VENV) ## inject faults on MiniStack (IMAGES=300 UPLOADS=500 FAULTS=0.1 SEED=1)
	@.venv/bin/python -m tests.lab.chaos --images $(or $(IMAGES),300) --uploads $(or $(UPLOADS),500) \
		--faults $(or $(FAULTS),0.1) --seed $(or $(SEED),1)

mutation: $(VENV) ## mutate the core, and list the mutants that no test kills (FILES=...)
	@.venv/bin/python -m tests.lab.mutation $(FILES)

fuzz: $(VENV) ## resize mutated pictures (SECONDS=60 SEED=1)
	@.venv/bin/python -m tests.lab.fuzz --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

corpus: $(VENV) ## compare a folder of pictures with Chromium: DIR=... (OUT=build/corpus LIMIT= JOBS=)
	@if [ -z "$$DIR" ]; then echo "error: which folder? make corpus DIR=pictures" >&2; exit 2; fi
	@.venv/bin/python -m tests.lab.corpus "$$DIR" $(if $(OUT),--out "$$OUT") \
		$(if $(LIMIT),--limit $(LIMIT)) $(if $(JOBS),--jobs $(JOBS))

bench: $(VENV) ## run the benchmark (15 minutes; ARGS="--area renditions --quick")
	@.venv/bin/python -m tests.lab.bench $(ARGS)

lint: $(VENV) ## check rules, format and retired words (seconds)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/python -m tests.architecture.retired_words

check: lint ## lint, check types, and check imports between packages
	@.venv/bin/mypy
	@.venv/bin/lint-imports

audit: $(VENV) ## scan the template, the sources and the pinned packages (needs the network)
	@.venv/bin/python -m infra.deploy.scan

synth: $(VENV) ## print the CloudFormation template (STAGE=prod)
	@$(INFRA) synth --stage $(or $(STAGE),local)

deploy: $(VENV) ## show the changes on AWS, ask, and deploy: STAGE=prod (REGION=... ROLE=... PLAN=1 YES=1)
	@if [ -z "$$STAGE" ]; then echo "error: which stage? make deploy STAGE=dev" >&2; exit 2; fi
	@$(INFRA) deploy --stage "$$STAGE" $(if $(REGION),--region "$$REGION") $(if $(ROLE),--role "$$ROLE") $(if $(PLAN),--plan) $(if $(YES),--yes)

destroy: $(VENV) ## delete a stage on AWS; asks for its name: STAGE=dev (REGION=...)
	@if [ -z "$$STAGE" ]; then echo "error: which stage? make destroy STAGE=dev" >&2; exit 2; fi
	@$(INFRA) destroy --stage "$$STAGE" $(if $(REGION),--region "$$REGION")

schemas: $(VENV) ## write the JSON Schema of every event, and the AsyncAPI document
	@$(INFRA) schemas
	@$(INFRA) asyncapi

lock: $(VENV) ## pin the dependency groups in uv.lock, with hashes (UPGRADE=1: to the latest versions)
	@.venv/bin/uv lock --python .venv/bin/python --default-index https://pypi.org/simple $(if $(UPGRADE),--upgrade)

clean: local-down ## stop everything, and delete what was built here
	@rm -rf .venv .darkroom build services/web/node_modules .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis .coverage

$(VENV): uv.lock
	@$(PYTHON) -m infra.local.bootstrap
