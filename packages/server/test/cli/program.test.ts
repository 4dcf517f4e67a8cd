/** How the program names itself in what is there to be pasted. */
import { execFileSync } from "node:child_process"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { programOf } from "../../src/cli/program.ts"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

const start = {
  script: "/app/packages/server/dist/main.js",
  entries: ["/app/packages/server/dist/main.ts", "/app/packages/server/dist/main.js"],
  nodeOptions: [],
  folder: "/app",
  npmPackage: undefined
}

test("installed it is greenroom, whoever's npm script calls it", () => {
  expect(programOf({ ...start, script: "/project/node_modules/.bin/greenroom", npmPackage: "project" })).toBe(
    "greenroom"
  )
})

test("in its own repository it is the npm script", () => {
  expect(programOf({ ...start, npmPackage: "greenroom-workspace" })).toBe("npm run -s greenroom --")
})

test("started as a file, as in a container, it is that file", () => {
  expect(programOf(start)).toBe("node packages/server/dist/main.js")
  expect(programOf({ ...start, nodeOptions: ["--conditions=x"], folder: "/" })).toBe(
    "node --conditions=x app/packages/server/dist/main.js"
  )
})

const npm = (...args: ReadonlyArray<string>) =>
  execFileSync("npm", ["run", "-s", "greenroom", "--", ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: process.env.HOME ?? "/" }
  })

test("its help in the repository shows what works there, and says where it looks for the service and the secret", () => {
  const help = npm("--help")
  expect(help).toContain("USAGE\n  npm run -s greenroom -- ")
  expect(help).not.toMatch(/^ +greenroom /m)
  for (const name of ["--url", "GREENROOM_URL", "API_PORT", "API_SECRET", "API_SECRET_FILE", "DATA_DIR"]) {
    expect(help).toContain(name)
  }
  expect(npm("keys", "create", "--help")).toMatch(
    /EXAMPLES\n(.*\n)* {2}npm run -s greenroom -- keys create --broadcaster/
  )
})
