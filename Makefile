# The everyday commands. Each is an npm script or a compose call; `npm ci` comes first.
.PHONY: build test lint migrate run e2e bench

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

bench: node_modules
	npm run bench
