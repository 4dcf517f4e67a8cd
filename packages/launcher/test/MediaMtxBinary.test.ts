/** Where the media server's binary comes from, and that nothing but what the release vouches for ever becomes it. */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freePorts, temporaryFolder } from "../../../verification/worlds/processes.ts"
import * as MediaMtxBinary from "../src/MediaMtxBinary.ts"
import { checksumIn } from "../src/MediaMtxRelease.ts"
import { type Answer, archiveName, archiveOf, program, releaseServer } from "./releaseServer.ts"

let nowhere = ""
beforeAll(async () => {
  nowhere = `http://127.0.0.1:${(await freePorts(1))[0]}/download/v1.20.1`
})

const cached = archiveName.replace(".tar.gz", "")

const script = (file: string, text: string, mode = 0o755) => Effect.promise(() => fs.writeFile(file, text, { mode }))
const names = (folder: string) => Effect.promise(() => fs.readdir(folder).catch((): Array<string> => []))

const nothingInstalled = Effect.map(temporaryFolder, (folder) => ({
  folder,
  options: { directory: path.join(folder, "data"), searchPath: path.join(folder, "bin"), releaseUrl: nowhere }
}))

describe("a binary that is there", () => {
  it.live("MEDIAMTX_BIN comes before the PATH, and says its version", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      const bin = path.join(folder, "mine")
      yield* Effect.promise(() => fs.mkdir(options.searchPath))
      yield* script(path.join(options.searchPath, "mediamtx"), program)
      yield* script(bin, "#!/bin/sh\necho v1.19.3\n")
      const named = yield* MediaMtxBinary.find({ ...options, bin })
      assert.deepStrictEqual(named, { path: bin, origin: "MEDIAMTX_BIN", version: "v1.19.3" })
      const unnamed = yield* MediaMtxBinary.find({ ...options, bin: "" })
      assert.deepStrictEqual(unnamed, {
        path: path.join(options.searchPath, "mediamtx"),
        origin: "PATH",
        version: "v1.20.1"
      })
    })
  )

  it.live("a MEDIAMTX_BIN that cannot be run is an error, whatever else is there", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      yield* Effect.promise(() => fs.mkdir(options.searchPath))
      yield* script(path.join(options.searchPath, "mediamtx"), program)
      yield* script(path.join(folder, "text"), program, 0o644)
      for (const bin of [path.join(folder, "text"), path.join(folder, "absent"), folder]) {
        const failed = yield* Effect.flip(MediaMtxBinary.find({ ...options, bin }))
        assert.strictEqual(failed.reason, "not-executable")
        assert.include(failed.message, `MEDIAMTX_BIN names ${bin}`)
      }
    })
  )

  it.live("what is on the PATH and is no program is passed by, and so are relative folders", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      const folders = ["text", "folder", "good"].map((name) => path.join(folder, name))
      for (const name of folders) yield* Effect.promise(() => fs.mkdir(name))
      yield* script(path.join(folders[0]!, "mediamtx"), program, 0o644)
      yield* Effect.promise(() => fs.mkdir(path.join(folders[1]!, "mediamtx")))
      yield* script(path.join(folders[2]!, "mediamtx"), program)
      const relative = path.relative(process.cwd(), folders[2]!)
      const searchPath = ["", relative, ...folders].join(path.delimiter)
      const found = yield* MediaMtxBinary.find({ ...options, searchPath })
      assert.strictEqual(found.path, path.join(folders[2]!, "mediamtx"))
    })
  )

  it.live("a binary that does not tell its version is used all the same", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      const bin = path.join(folder, "silent")
      yield* script(bin, "#!/bin/sh\nexit 1\n")
      assert.strictEqual((yield* MediaMtxBinary.find({ ...options, bin })).version, null)
    })
  )
})

describe("the release", () => {
  it.live("is downloaded through redirects, once: the second start needs no network", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      const archive = yield* archiveOf(folder, { mediamtx: program, "mediamtx.yml": "# sample", LICENSE: "MIT" })
      const release = yield* releaseServer(archive)
      const found = yield* MediaMtxBinary.find({ ...options, releaseUrl: `${release.url}/` })
      const file = path.join(options.directory, cached)
      assert.deepStrictEqual(found, { path: file, origin: "downloaded", version: "v1.20.1" })
      assert.deepStrictEqual(release.asked, [
        "/download/v1.20.1/checksums.sha256",
        `/download/v1.20.1/${archiveName}`,
        "/storage/1234"
      ])
      assert.strictEqual((yield* Effect.promise(() => fs.stat(file))).mode & 0o777, 0o755)
      assert.deepStrictEqual(yield* names(options.directory), [cached])
      const again = yield* MediaMtxBinary.find({ ...options, releaseUrl: nowhere })
      assert.deepStrictEqual(again, { path: file, origin: "cache", version: "v1.20.1" })
    })
  )

  it.live("what an earlier, killed download left behind is removed, what is at work is not", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      const [old, young] = ["old", "young"].map((name) => path.join(options.directory, `.download-${name}`))
      for (const work of [old!, young!]) yield* Effect.promise(() => fs.mkdir(work, { recursive: true }))
      yield* Effect.promise(() => fs.utimes(old!, 0, 0))
      const release = yield* releaseServer(yield* archiveOf(folder, { mediamtx: program }))
      yield* MediaMtxBinary.find({ ...options, releaseUrl: release.url })
      assert.sameMembers(yield* names(options.directory), [cached, ".download-young"])
    })
  )

  const broken: ReadonlyArray<{
    readonly title: string
    readonly reason: string
    readonly says: string
    readonly answers?: Readonly<Record<string, Answer>>
    readonly members?: Readonly<Record<string, string | null>>
    readonly deadline?: number
  }> = [
    {
      title: "an archive that is not what the checksum says",
      reason: "checksum",
      says: "its release lists",
      answers: { "1234": (response) => response.end("something else") }
    },
    {
      title: "an archive that is cut short",
      reason: "unreachable",
      says: "could not be downloaded",
      answers: {
        "1234": (response) => {
          response.writeHead(200, { "content-length": 100_000 })
          response.write("beginning", () => response.destroy())
        }
      }
    },
    {
      title: "an archive that ends early without saying so",
      reason: "checksum",
      says: "its release lists",
      answers: { "1234": (response) => response.end() }
    },
    {
      title: "a release that is not there",
      reason: "status",
      says: "answered 404",
      answers: { "checksums.sha256": (response) => response.writeHead(404).end() }
    },
    {
      title: "an archive that is not there",
      reason: "status",
      says: `${archiveName} answered 404`,
      answers: { "1234": (response) => response.writeHead(404).end() }
    },
    {
      title: "a redirect that leads nowhere",
      reason: "unreachable",
      says: "could not be downloaded",
      answers: { [archiveName]: (response) => response.writeHead(302, { location: nowhere }).end() }
    },
    {
      title: "a list of checksums without ours",
      reason: "checksum",
      says: `no checksum of ${archiveName}`,
      answers: { "checksums.sha256": (response) => response.end(`${"0".repeat(64)} *other.tar.gz\n`) }
    },
    {
      title: "a list of checksums that has no end",
      reason: "too-large",
      says: "larger than",
      answers: { "checksums.sha256": (response) => response.end("x".repeat(100_000)) }
    },
    {
      title: "an answer that never comes",
      reason: "timeout",
      says: "not downloaded after",
      answers: { "1234": (response) => response.writeHead(200, { "content-length": 100 }).flushHeaders() },
      deadline: 300
    },
    {
      title: "an archive without the binary",
      reason: "archive",
      says: "cannot be unpacked",
      members: { "mediamtx.yml": "# sample" }
    },
    {
      title: "an archive whose binary is a folder",
      reason: "archive",
      says: "is not a file",
      members: { mediamtx: null }
    }
  ]

  for (const { title, reason, says, answers, members, deadline } of broken) {
    it.live(`${title}: an error that tells how to get one, and nothing is left behind`, () =>
      Effect.gen(function* () {
        const { folder, options } = yield* nothingInstalled
        const archive = yield* archiveOf(folder, members ?? { mediamtx: program })
        const release = yield* releaseServer(archive, answers)
        const failed = yield* Effect.flip(
          MediaMtxBinary.find({ ...options, releaseUrl: release.url, downloadDeadline: deadline ?? 60_000 })
        )
        assert.strictEqual(failed.reason, reason)
        assert.include(failed.message, says)
        assert.include(failed.message, "MEDIAMTX_BIN")
        assert.include(failed.message, "https://github.com/bluenviron/mediamtx/releases/tag/v1.20.1")
        assert.deepStrictEqual(yield* names(options.directory), [])
      })
    )
  }

  it.live("something that is no archive, with the right checksum, is an error", () =>
    Effect.gen(function* () {
      const { options } = yield* nothingInstalled
      const release = yield* releaseServer(Buffer.from("no archive"))
      const failed = yield* Effect.flip(MediaMtxBinary.find({ ...options, releaseUrl: release.url }))
      assert.strictEqual(failed.reason, "archive")
      assert.deepStrictEqual(yield* names(options.directory), [])
    })
  )

  it.live("without a network: an error that tells how to get one", () =>
    Effect.gen(function* () {
      const { options } = yield* nothingInstalled
      const failed = yield* Effect.flip(MediaMtxBinary.find({ ...options, downloadDeadline: "10 seconds" }))
      assert.strictEqual(failed.reason, "unreachable")
      assert.include(failed.message, "ECONNREFUSED")
      assert.include(failed.message, "MEDIAMTX_API_URL")
    })
  )

  it.live("a folder that cannot be made is an error", () =>
    Effect.gen(function* () {
      const { folder, options } = yield* nothingInstalled
      yield* script(path.join(folder, "file"), "")
      const failed = yield* Effect.flip(
        MediaMtxBinary.find({ ...options, directory: path.join(folder, "file", "data") })
      )
      assert.strictEqual(failed.reason, "storage")
    })
  )
})

describe("what the release publishes", () => {
  it("has a build for Linux and macOS on two architectures, as far as this service runs", () => {
    const builds = ["linux", "darwin", "win32"].flatMap((platform) =>
      ["x64", "arm64", "ia32"].map((cpu) => MediaMtxBinary.platformOf(platform, cpu))
    )
    assert.deepStrictEqual(builds, [
      "linux_amd64",
      "linux_arm64",
      null,
      "darwin_amd64",
      "darwin_arm64",
      null,
      null,
      null,
      null
    ])
  })

  it("lists checksums as sha256sum writes them; a name that only contains ours is another", () => {
    const sum = "AB".repeat(32)
    const list = `${"0".repeat(64)} *x${archiveName}\r\n${sum}  ${archiveName}\r\n${"1".repeat(64)} *${archiveName}.sig\n`
    assert.strictEqual(checksumIn(list, archiveName), sum.toLowerCase())
    assert.isNull(checksumIn("not a list", archiveName))
    assert.isNull(checksumIn(`123 *${archiveName}`, archiveName))
  })
})
