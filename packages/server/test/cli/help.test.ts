/** Help, for every command there is, without any configuration. */
import { expect, test } from "vitest"
import { greenroom } from "./support/greenroom.ts"

const commands = [
  [],
  ["serve"],
  ["migrate"],
  ["health"],
  ["reconcile"],
  ["broadcasters"],
  ...["create", "list", "show", "update", "delete"].map((command) => ["broadcasters", command]),
  ["keys"],
  ...["create", "list", "show", "ingest", "update", "enable", "disable", "unblock", "rotate", "revoke"].map(
    (command) => ["keys", command]
  ),
  ["streams"],
  ...["list", "show", "watch", "stop", "events"].map((command) => ["streams", command]),
  ["viewers"],
  ...["list", "kick", "revoke"].map((command) => ["viewers", command]),
  ["playback-tokens"],
  ...["create", "list", "show", "revoke"].map((command) => ["playback-tokens", command]),
  ["signing-keys"],
  ...["list", "add", "rotate", "remove"].map((command) => ["signing-keys", command]),
  ["events"],
  ["events", "tail"],
  ["webhooks"],
  ...["create", "list", "show", "enable", "disable", "delete", "rotate-secret", "test", "deliveries", "redeliver"].map(
    (command) => ["webhooks", command]
  ),
  ["tokens"],
  ...["create", "list", "show", "update", "delete"].map((command) => ["tokens", command]),
  ["auth"],
  ["auth", "check"],
  ["auth", "decisions"],
  ["audit"],
  ["audit", "list"],
  ["workers"],
  ...["list", "show"].map((command) => ["workers", command])
]
const groups = [
  "broadcasters",
  "keys",
  "streams",
  "viewers",
  "playback-tokens",
  "signing-keys",
  "events",
  "webhooks",
  "tokens",
  "audit",
  "auth",
  "workers"
]

test.each(commands.map((command) => [command.join(" "), command] as const))(
  "greenroom %s --help",
  async (_, command) => {
    const { code, stdout, stderr } = await greenroom([...command, "--help"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain(`USAGE\n  ${["greenroom", ...command].join(" ")} `)
    expect(stdout).toMatch(/\n\nEXAMPLES\n(.*\n)* {2}.*greenroom .*/)
  }
)

test("every subcommand that is listed is one of these", async () => {
  const listed: Array<string> = []
  for (const path of [[], ...groups.map((group) => [group])]) {
    const { stdout } = await greenroom([...path, "--help"])
    const section = /SUBCOMMANDS\n((?: {2}.*\n)+)/.exec(`${stdout}\n`)?.[1] ?? ""
    listed.push(
      ...section
        .trimEnd()
        .split("\n")
        .map((line) => [...path, line.trim().split(" ")[0]].join(" "))
    )
  }
  expect(new Set(listed)).toEqual(new Set(commands.map((command) => command.join(" ")).filter((name) => name !== "")))
})

test.each(["bash", "zsh", "fish", "powershell"])("--completions %s", async (shell) => {
  const { code, stdout } = await greenroom(["--completions", shell])
  expect(code).toBe(0)
  for (const word of ["broadcasters", "revoke", "watch"]) expect(stdout).toContain(word)
})
