/** The quickstart is true: its blocks run as they stand there, on free ports and a fresh data directory. */
import { expect, it } from "vitest"
import { runPage } from "../../scripts/runPage.ts"

it("docs/quickstart.md, from its first block to its last", { timeout: 660_000 }, async ({ skip }) => {
  const said: Array<string> = []
  const outcome = await runPage("docs/quickstart.md", { freePorts: true, say: (line) => said.push(line) }).finally(() =>
    console.log(said.join("\n"))
  )
  if (outcome === "skipped") skip()
  expect(outcome).toBe("passed")
})
