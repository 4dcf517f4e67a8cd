/** How a page's marks are read, how its output is compared, and what the runner says of a page that is not true. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { firstMissing, parsePage } from "./page.ts"
import { runPage } from "./runPage.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const block = (info: string, ...lines: ReadonlyArray<string>) => [`\`\`\`${info}`, ...lines, "```", ""].join("\n")

describe("the marks of a page", () => {
  it("are blocks to run in order, with what is expected of them", () => {
    const page = [
      "<!-- needs sh nothing-like-it -->",
      block("sh", "npm ci"),
      block("sh run background one", "sleep 9"),
      block("sh run", "echo a", "echo b"),
      block("text expect", "a", "b"),
      block("text expect one", "c"),
      "<!-- interrupt one -->",
      block("sh run retry", "true")
    ].join("\n")
    expect(parsePage(page)).toEqual({
      needs: ["sh", "nothing-like-it"],
      steps: [
        { kind: "background", line: 6, name: "one", text: "sleep 9", expected: [] },
        { kind: "run", line: 10, text: "echo a\necho b", expected: ["a", "b"] },
        { kind: "expect", line: 20, name: "one", expected: ["c"] },
        { kind: "interrupt", line: 24, name: "one" },
        { kind: "retry", line: 25, text: "true", expected: [] }
      ]
    })
  })

  it.each([
    [block("sh runs", "true"), "line 1: expected sh run"],
    [block("sh run background", "true"), "line 1: expected sh run"],
    [block("text expect", "x"), "line 1: there is no block before this"],
    [block("text expect one", "x"), "line 1: there is no terminal called one"],
    [block("sh run", "true") + block("text output", "x"), "line 4: expected text expect"],
    ["<!-- interrupt one -->", "line 1: there is no terminal called one"],
    ["\n```sh run\ntrue\n", "line 2: this block does not end"]
  ])("that nobody understands are told by their line: %j", (page, sentence) => {
    expect(() => parsePage(page)).toThrow(sentence)
  })

  it("of the quickstart are understood", () => {
    const { needs, steps } = parsePage(readFileSync(join(root, "docs/quickstart.md"), "utf8"))
    expect(needs).toContain("mediamtx")
    expect(steps.length).toBeGreaterThan(10)
  })
})

it("expected lines come in order, with others between them, and … stands for any text", () => {
  const output = 'x\n  {"a": 1, "b": 2}\ny\n-rw------- 1 root  root k\n'
  expect(firstMissing(["x", "y"], output)).toBeNull()
  expect(firstMissing(["…", '{"a": …, "b": 2}', "", "-rw-------… root root k"], output)).toBeNull()
  expect(firstMissing(["y", "x"], output)).toBe("x")
  expect(firstMissing(["x", "x"], output)).toBe("x")
  expect(firstMissing(['"b": 2}'], output)).toBe('"b": 2}')
  expect(firstMissing(["(.*)"], output)).toBe("(.*)")
})

describe("a page that is run", () => {
  const run = async (page: string) => {
    const folder = mkdtempSync(join(tmpdir(), "page-"))
    const file = join(folder, "page.md")
    writeFileSync(file, page)
    const said: Array<string> = []
    try {
      const outcome = await runPage(relative(root, file), { freePorts: true, say: (line) => said.push(line) })
      return { outcome, said: said.join("\n") }
    } catch (error) {
      return { outcome: String(error), said: said.join("\n") }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it("has one shell for its blocks, and terminals that Ctrl-C ends", async () => {
    const { outcome, said } = await run(
      [
        block("sh run", "seen=yes", 'cd scripts; test -n "$DATA_DIR"'),
        block("sh run", 'echo "$seen in $(basename "$PWD")"'),
        block("text expect", "yes in scripts"),
        block("sh run background clock", "while sleep 0.1; do echo tick; done"),
        block("text expect", "tick", "tick"),
        block("sh run optional", "echo it is not here; exit 69"),
        "<!-- interrupt clock -->"
      ].join("\n")
    )
    expect(outcome).toBe("passed")
    expect(said).toContain("skipped: it is not here")
  })

  it("asks again where it says so, on the ports that it was given", async () => {
    const { outcome } = await run(
      [
        block("sh run", 'echo "8080 is $API_PORT, in .greenroom/x"'),
        block("text expect", "8080 is 8080, in .greenroom/x"),
        block(
          "sh run retry",
          `n=$(cat "$DATA_DIR.count" 2>/dev/null || echo 0)`,
          'echo "$n" | tee -a /dev/null',
          'echo $((n + 1)) >"$DATA_DIR.count"'
        ),
        block("text expect", "2")
      ].join("\n")
    )
    expect(outcome).toBe("passed")
  })

  it.each([
    ["a command that fails", block("sh run", "echo before", "false", "echo after"), /page\.md:1: exit code 1\nbefore$/],
    [
      "output that does not come",
      block("sh run", "echo a") + block("text expect", "b"),
      /page\.md:1: this line is missing: b\na$/
    ],
    [
      "a terminal that ends",
      block("sh run background x", "echo ports; exit 1") + block("text expect", "up"),
      /missing: up\nports$/
    ],
    [
      "what ended by itself",
      [
        block("sh run background x", 'echo $$ >"$DATA_DIR.pid"', "echo up"),
        block("text expect", "up"),
        block("sh run", 'while kill -0 "$(cat "$DATA_DIR.pid")" 2>/dev/null; do sleep 0.1; done'),
        "<!-- interrupt x -->"
      ].join("\n"),
      /what ran in the terminal x has ended by itself/
    ]
  ])("fails with %s", async (_, page, message) => {
    expect((await run(page)).outcome.trimEnd()).toMatch(message)
  })

  it("is skipped with one line where something is not installed", async () => {
    const { outcome, said } = await run(`<!-- needs sh nothing-like-it -->\n${block("sh run", "false")}`)
    expect(outcome).toBe("skipped")
    expect(said).toMatch(/page\.md: not run, no nothing-like-it in PATH$/)
  })
})
