/** What is installed for production is what production imports: nothing comes along because another package would like it to. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"

const lock: {
  packages: Record<string, { readonly dev?: boolean; readonly optional?: boolean; readonly peer?: boolean }>
} = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"))
const installed = Object.entries(lock.packages).filter(([path]) => path.includes("node_modules/"))

it("nothing is installed only as a peer of another package (see .npmrc)", () => {
  expect(installed.filter(([, { peer }]) => peer === true).map(([path]) => path)).toEqual([])
})

it("production has these packages, and no other", () => {
  const names = installed
    .filter(([, { dev, optional }]) => dev !== true && optional !== true)
    .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length))
    .filter((name) => name !== "greenroom" && !name.startsWith("@greenroom/"))
  expect(names.toSorted()).toEqual([
    "@effect/platform-node",
    "@effect/platform-node-shared",
    "@effect/sql-pg",
    "@types/node",
    "@types/ws",
    "effect",
    "ipaddr.js",
    "jose",
    "undici",
    "undici-types",
    "uqr",
    "ws"
  ])
})
