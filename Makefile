# The everyday commands. Each is an npm script or a compose call; `npm ci` comes first.
.PHONY: build test lint migrate run e2e e2e-versions chaos storm attack containers bench sbom pin dev logs down ps api-status metrics dev-key local

node_modules: package-lock.json
	npm ci
	@touch node_modules

build: node_modules
	npm run build

test: node_modules
	npm test

lint: node_modules
	npm run lint && npm run types && npm run architecture

migrate: node_modules
	npm run greenroom -- migrate

run: node_modules
	npm start

e2e: node_modules
	npm run e2e

# Wants MEDIAMTX_BINS: paths of binaries, separated by `:`.
e2e-versions: node_modules
	npm run e2e -- --versions

# `storm` is its former name.
chaos storm: node_modules
	npm run chaos

attack: node_modules
	npm run attack

# Wants Docker. CONTAINERS=required fails without it.
containers: node_modules
	npm run containers

e2e-pipeline: node_modules
	npm run e2e:pipeline

bench: node_modules
	npm run bench

# What production consists of, in CycloneDX's format.
sbom: sbom.cdx.json
sbom.cdx.json: package-lock.json
	npm run --silent sbom > $@

# Adds to the base images the digests that their tags have now: needs Docker and a registry.
pin: node_modules
	npm run --silent pin

# A developer's day. With containers: dev, logs, down, ps. Without: local. Either way: api-status, metrics, dev-key.
# The Node that npm has brought, where it has brought one.
NODE = PATH="$(CURDIR)/node_modules/.bin:$$PATH" exec node --conditions=@greenroom/source
DEVELOPER = $(NODE) scripts/developer.ts
COMPOSE = docker compose

dev: node_modules
	@$(DEVELOPER) containers
	@$(DEVELOPER) env
	$(COMPOSE) up --build --detach --wait || { echo "docker compose could not start everything: see its lines above, and make logs; a port in use is named there. make down ends what has started"; exit 1; }
	@$(DEVELOPER) wait
	@export IN_CONTAINERS=yes; $(DEVELOPER) key

logs: node_modules
	@$(DEVELOPER) containers
	$(COMPOSE) logs --follow

down: node_modules
	@$(DEVELOPER) containers
	$(COMPOSE) down

ps: node_modules
	@$(DEVELOPER) containers
	$(COMPOSE) ps

api-status: node_modules
	@$(DEVELOPER) api-status

metrics: node_modules
	@$(DEVELOPER) metrics

dev-key: node_modules
	@$(DEVELOPER) key

local: node_modules
	@export ENDS_WITH=$$PPID; $(NODE) scripts/local.ts
