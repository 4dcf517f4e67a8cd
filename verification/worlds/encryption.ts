/** RTMPS and RTSPS of a real MediaMTX, with a certificate of its own making: ffmpeg asks for no better one. */
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { isAtLeast, type Version } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"
import { freePorts, temporaryFolder } from "./processes.ts"

const run = promisify(execFile)

export interface Encryption {
  /** Of MediaMTX's configuration. */
  readonly lines: ReadonlyArray<string>
  /** Of Greenroom's environment. */
  readonly urls: Readonly<Record<string, string>>
  readonly ports: { readonly rtmps: number; readonly rtsps: number }
}

/** RTSP's names of before 1.11, by those of today. */
const oldNames: Readonly<Record<string, string>> = {
  rtspEncryption: "encryption",
  rtspServerKey: "serverKey",
  rtspServerCert: "serverCert"
}

/** `optional`: beside the plain protocols; `strict`: instead of them. For today's versions unless told. */
export const encryption = Effect.fnUntraced(function* (mode: "optional" | "strict", version?: Version) {
  const isOld = version !== undefined && !isAtLeast(version, "1.11.0")
  const nameOf = (name: string) => (isOld ? (oldNames[name] ?? name) : name)
  const folder = yield* temporaryFolder
  const [key, certificate] = [path.join(folder, "server.key"), path.join(folder, "server.crt")]
  yield* Effect.promise(() => {
    const made = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    const said = ["-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate]
    return run("openssl", [...made, ...said])
  })
  const [rtmps, rtsps] = yield* Effect.promise(() => freePorts(2))
  const tls: Encryption = {
    lines: [
      ...["rtmp", "rtsp"].flatMap((protocol) => [
        `${nameOf(`${protocol}Encryption`)}: ${mode}`,
        `${nameOf(`${protocol}ServerKey`)}: ${key}`,
        `${nameOf(`${protocol}ServerCert`)}: ${certificate}`
      ]),
      `rtmpsAddress: 127.0.0.1:${rtmps}`,
      `rtspsAddress: 127.0.0.1:${rtsps}`
    ],
    urls: { PUBLIC_RTMP_URL: `rtmps://127.0.0.1:${rtmps}`, PUBLIC_RTSP_URL: `rtsps://127.0.0.1:${rtsps}` },
    ports: { rtmps: rtmps!, rtsps: rtsps! }
  }
  return tls
})
