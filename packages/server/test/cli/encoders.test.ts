/** `keys create --encoder`: what is printed for each, what its QR code holds, and that the page of the documentation has the same. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { allEnabled, endpointsBehind, ingestInstructions, noneEnabled } from "@greenroom/core"
import { Schema } from "effect"
import { describe, expect, test } from "vitest"
import { type EncoderName, encoderNames, encoderOf } from "../../src/cli/encoders.ts"
import { encoderGuide, encoderText } from "../../src/cli/ingestGuide.ts"
import { modulesOf, type Screen } from "../../src/cli/qrCode.ts"
import { IssuedStreamKey } from "../../src/http/api/streamKeySchemas.ts"
import { ingest, issuedKey, KEY } from "./support/answers.ts"
import { keysCreate } from "./support/commands.ts"
import { fakeService } from "./support/fakeService.ts"
import { at, greenroom } from "./support/greenroom.ts"
import { linesOfCode, modulesOfDrawing } from "./support/qrDrawing.ts"

type Ingest = (typeof IssuedStreamKey.Type)["ingest"]
const issuedWith = (changes: Readonly<Record<string, unknown>>) =>
  Schema.decodeUnknownSync(IssuedStreamKey)({ ...issuedKey, ...changes })
const withIngest = (changed: Partial<Ingest>) => issuedWith({ ingest: { ...ingest, ...changed } })

const page = readFileSync(fileURLToPath(new URL("../../../../docs/encoders.md", import.meta.url)), "utf8")
const sections = page.split(/^## /m)

/** What the page shows: the addresses behind one public URL, with their ports, and no real key. */
const documented = issuedWith({
  ingest: ingestInstructions(
    { ...endpointsBehind("https://media.example.com"), rtmp: "rtmp://media.example.com:1935" },
    allEnabled,
    "live/studio-1",
    "KEY"
  )
})

test.each(encoderNames)("docs/encoders.md has a section for %s, with what is printed for it", (name) => {
  const its = sections.filter((section) => section.split("\n")[0]?.includes(`\`--encoder ${name}\``))
  expect(its).toHaveLength(1)
  expect(its[0]).toContain(`\`\`\`text\n${encoderText(encoderOf(name), documented.ingest)}\n\`\`\`\n`)
})

test("docs/cli.md has every name", () => {
  const cli = readFileSync(fileURLToPath(new URL("../../../../docs/cli.md", import.meta.url)), "utf8")
  const named = /The names: ([^.]*)\./.exec(cli)?.[1] ?? ""
  expect([...named.matchAll(/`([\w-]+)`/g)].map(([, name]) => name)).toEqual(encoderNames)
})

const create = async (args: ReadonlyArray<string>) => {
  const service = await fakeService({ "POST /stream-keys": keysCreate.reply })
  try {
    return { ...(await at(service.url)([...keysCreate.args, ...args])), asked: service.asked }
  } finally {
    await service.close()
  }
}

test.each(encoderNames)("--encoder %s prints the key and what to type into that one alone", async (name) => {
  const { code, stdout, stderr, asked } = await create(["--encoder", name])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  expect(asked.map(({ body }) => JSON.parse(body))).toEqual([keysCreate.sends])
  expect(stdout).toContain(`\n  ${KEY}\n\nThis is the only time that it is shown: copy it now.\n`)
  expect(stdout).toContain(`\n${encoderText(encoderOf(name), issuedWith({}).ingest)}\n`)
  expect(stdout.includes("No QR code: ")).toBe(encoderOf(name).scan !== undefined)
  expect(stdout).toMatch(/\n\nSee it go live: greenroom streams watch\n$/)
})

test("an encoder that is none is refused with the names of all, and nothing is sent", async () => {
  const { code, stdout, stderr, asked } = await create(["--encoder", "obbs"])
  expect({ code, stdout, asked }).toEqual({ code: 64, stdout: "", asked: [] })
  for (const name of encoderNames) expect(stderr).toContain(`"${name}"`)
})

test("with --json it is refused, and nothing is sent", async () => {
  const { code, stdout, stderr, asked } = await create(["--encoder", "obs", "--json"])
  expect({ code, stdout, asked }).toEqual({ code: 64, stdout: "", asked: [] })
  expect(stderr).toContain("not both")
})

test("help and completions have the names", async () => {
  const { stdout } = await greenroom(["keys", "create", "--help"])
  expect(stdout).toContain(encoderNames.join(", "))
  const completions = await greenroom(["--completions", "bash"])
  for (const name of encoderNames) expect(completions.stdout).toContain(name)
})

test("a protocol that is off takes its ways with it", () => {
  const hardware = encoderText(encoderOf("hardware"), withIngest({ obs: null, rtmp: null }).ingest)
  expect(hardware).toContain("Stream ID")
  expect(hardware).not.toContain("Application")
})

test("an encoder without a way: its protocols are named, and the encoders that have one", () => {
  const issued = withIngest({ obs: null, rtmp: null })
  const text = encoderText(encoderOf("gopro"), issued.ingest)
  expect(text).toContain("GoPro publishes over RTMP, which is off")
  expect(text).toMatch(/: obs-whip, obs-srt, vmix, larix, moblin, ffmpeg, gstreamer, hardware\.$/)
  expect(encoderGuide(encoderOf("gopro"), issued, wide)).not.toContain("QR code")
})

test("without any address the missing settings are named", () => {
  const none = ingestInstructions(endpointsBehind("https://media.example.com"), noneEnabled, "live/x", "KEY")
  for (const name of encoderNames)
    expect(encoderText(encoderOf(name), withIngest(none).ingest)).toContain("PUBLIC_RTMP_URL")
})

/** The values of a way's fields, by name. */
const valuesOf = (text: string) =>
  Object.fromEntries([...text.matchAll(/^ {2}(\S.*?) {2,}(\S.*)$/gm)].map(([, name, value]) => [name, value]))

test("the two fields of RTMP make its whole URL again, and so do the four", () => {
  const [pair, four] = encoderOf("hardware").ways.map(({ show }) => valuesOf(show(documented.ingest) ?? ""))
  expect(`${pair?.["Server URL"]}/${pair?.["Stream Name or Key"]}`).toBe(documented.ingest.rtmp)
  expect(`rtmp://${four?.Host}:${four?.Port}/${four?.Application}/${four?.Stream}`).toBe(documented.ingest.rtmp)
})

test.each([
  ["rtmp://media.example.com", "rtmp://media.example.com:1935/live/studio-1"],
  ["rtmps://media.example.com", "rtmps://media.example.com:443/live/studio-1"],
  ["rtmp://[::1]:21935", "rtmp://[::1]:21935/live/studio-1"]
])("DJI's address has a port: %s", (server, address) => {
  const query = "?user=greenroom&pass=KEY"
  const text = encoderText(encoderOf("dji"), withIngest({ rtmp: `${server}/live/studio-1${query}` }).ingest)
  expect(valuesOf(text).Address).toBe(address + query)
})

const wide: Screen = { isTerminal: true, hasColors: true, columns: 200, rows: 60 }
const codeOf = (name: EncoderName, issued: typeof documented) =>
  modulesOfDrawing(linesOfCode(encoderGuide(encoderOf(name), issued, wide)))

describe("what phones scan", () => {
  const url = ingest.rtmp
  const label = 'Grün & "two"'
  const issued = issuedWith({ label })

  test("larix: a Grove link with the address and a name, which its query gives back", () => {
    const link = encoderOf("larix").scan?.link(issued) ?? ""
    expect(link).toMatch(/^larix:\/\/set\/v1\?conn\[\]\[url\]=[^&]*&conn\[\]\[name\]=[^&]*$/)
    expect(Object.fromEntries(new URL(link).searchParams)).toEqual({ "conn[][url]": url, "conn[][name]": label })
    expect(codeOf("larix", issued)).toEqual(modulesOf(link))
  })

  test("moblin: settings as JSON, percent-encoded once", () => {
    const link = encoderOf("moblin").scan?.link(issued) ?? ""
    expect(JSON.parse(decodeURIComponent(link.replace(/^moblin:\/\/\?/, "")))).toEqual({
      streams: [{ name: label, url }]
    })
    expect(new URL(link).pathname).toBe("")
    expect(codeOf("moblin", issued)).toEqual(modulesOf(link))
  })

  test.each(["gopro", "dji"] as const)("%s: the address itself", (name) => {
    expect(codeOf(name, issued)).toEqual(modulesOf(url))
  })

  test("a long name is cut, and one that is missing is the path", () => {
    const named = (changes: Readonly<Record<string, unknown>>) =>
      new URL(encoderOf("larix").scan?.link(issuedWith(changes)) ?? "").searchParams.get("conn[][name]")
    expect(named({ label: "スタジオ".repeat(20) })).toBe("スタジオスタジオスタジ…")
    expect(named({ label: null })).toBe("live/studio-1")
  })

  test("a warning stands where the address leads a phone to itself", () => {
    const own = "which another device cannot reach"
    expect(encoderGuide(encoderOf("larix"), issued, wide)).toContain(own)
    expect(encoderGuide(encoderOf("larix"), documented, wide)).not.toContain(own)
    expect(encoderGuide(encoderOf("obs"), issued, wide)).not.toContain(own)
  })
})
