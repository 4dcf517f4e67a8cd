/** A release of MediaMTX as GitHub serves it, on loopback: the archive lies behind a redirect, the checksums beside it. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as path from "node:path"
import { Effect } from "effect"
import { platformOf } from "../src/MediaMtxBinary.ts"

export const archiveName = `mediamtx_v1.20.1_${platformOf(process.platform, process.arch)}.tar.gz`
export const program = '#!/bin/sh\n[ "$1" = --version ] && echo v1.20.1\n'

/** An archive with these members: a text is a program, `null` a folder. */
export const archiveOf = Effect.fnUntraced(function* (
  folder: string,
  members: Readonly<Record<string, string | null>>
) {
  return yield* Effect.promise(async () => {
    const from = await fs.mkdtemp(path.join(folder, "members-"))
    for (const [name, text] of Object.entries(members)) {
      const file = path.join(from, name)
      if (text === null) await fs.mkdir(file)
      else await fs.writeFile(file, text, { mode: 0o755 })
    }
    return execFileSync("tar", ["-C", from, "-czf", "-", ...Object.keys(members)], { maxBuffer: 64 * 1024 * 1024 })
  })
})

export interface Release {
  readonly url: string
  /** Paths that were asked for, in order. */
  readonly asked: ReadonlyArray<string>
}

export type Answer = (response: http.ServerResponse) => void

/** Serves `archive`; `answers` replaces the answer to a file's name. */
export const releaseServer = (archive: Buffer, answers: Readonly<Record<string, Answer>> = {}) => {
  const asked: Array<string> = []
  const sum = createHash("sha256").update(archive).digest("hex")
  const other = createHash("sha256").update("another").digest("hex")
  const usual: Readonly<Record<string, Answer>> = {
    "checksums.sha256": (response) =>
      response.end(`${other} *mediamtx_v1.20.1_windows_amd64.zip\n${sum} *${archiveName}\n`),
    [archiveName]: (response) => response.writeHead(302, { location: "/storage/1234" }).end(),
    "1234": (response) => response.end(archive)
  }
  return Effect.acquireRelease(
    Effect.callback<{ server: http.Server; release: Release }>((resume) => {
      const server = http.createServer((request, response) => {
        asked.push(request.url!)
        const name = path.basename(request.url!)
        const answer = answers[name] ?? usual[name]
        if (answer === undefined) response.writeHead(404).end("Not Found")
        else answer(response)
      })
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/download/v1.20.1`
        resume(Effect.succeed({ server, release: { url, asked } }))
      })
    }),
    ({ server }) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  ).pipe(Effect.map(({ release }) => release))
}
