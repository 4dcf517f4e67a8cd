/**
 * What `serve` prints when it is ready: where everything is, and commands to paste that create a key and publish a test picture.
 * For people, on standard output; nothing in it is secret, so the secret is named by the file that holds it.
 */
import * as path from "node:path"
import type { PublicEndpoints } from "@greenroom/core"

export interface BannerFacts {
  /** Where the API answers, as seen from this machine. */
  readonly url: string
  /** How the commands below get the secret: an absolute path, or a variable that is set already. */
  readonly secretFile: string | null
  readonly database: string
  readonly mediaServer: string
  /** Where the media server calls, when that is not the API's address. */
  readonly hooks: string | null
  readonly addresses: PublicEndpoints
  /** How the command line is started, and from which folder. */
  readonly program: string
  readonly folder: string
  /** Milliseconds since the process began. */
  readonly readyAfter: number
}

const line = (name: string, value: string) => `  ${name.padEnd(13)}${value}`

const quoted = (text: string) => (/^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** Publishes to the RTMP address in the answer that creates the key. */
const publish = `ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 -pix_fmt yuv420p \\
    -c:v libx264 -preset veryfast -tune zerolatency -g 30 -c:a aac -f flv "$INGEST"`

const isLoopback = (url: string) => /^http:\/\/(127\.|localhost:|\[::1\])/.test(url)

/** The command line finds a service with default settings by itself. */
const environmentOf = ({ url, secretFile, folder }: BannerFacts) =>
  [
    ...(url === "http://127.0.0.1:8080" ? [] : [`GREENROOM_URL=${url} `]),
    ...(secretFile === null || (isLoopback(url) && secretFile === path.join(folder, ".greenroom/api-secret"))
      ? []
      : [`API_SECRET_FILE=${quoted(secretFile)} `])
  ].join("")

export const banner = (facts: BannerFacts): string => {
  const { addresses, secretFile, url } = facts
  const call = (method: string, path: string, body: string) =>
    `curl -s -X ${method} ${url}${path} -H "X-API-Key: $SECRET" -H 'Content-Type: application/json' -d "${body}"`
  const field = (name: string) => `node -pe 'JSON.parse(require("fs").readFileSync(0)).${name}'`
  const outputs = Object.entries(addresses).flatMap(([name, base]) => (base === null ? [] : [`${name} ${base}`]))
  const key = call("POST", "/stream-keys", '{\\"broadcaster_id\\": \\"$BROADCASTER\\"}')
  return [
    "",
    `Greenroom is ready after ${(facts.readyAfter / 1000).toFixed(2)} s`,
    "",
    line("API", `${url}   reference: ${url}/docs`),
    line("API secret", secretFile === null ? "as configured (API_SECRET)" : `in ${secretFile}`),
    line("Database", facts.database),
    line("Media server", facts.mediaServer),
    ...(facts.hooks === null ? [] : [line("", `calls ${facts.hooks}`)]),
    ...(outputs.length === 0 ? [] : [line("", outputs.join("  "))]),
    "",
    "Create a broadcaster and a key:",
    "",
    `  SECRET="${secretFile === null ? "$API_SECRET" : `$(cat ${quoted(secretFile)})`}"`,
    `  BROADCASTER=$(${call("POST", "/broadcasters", '{\\"display_name\\": \\"Studio One\\"}')} | ${field("id")})`,
    ...(addresses.rtmp === null
      ? [`  ${key}`, ""]
      : [
          `  INGEST=$(${key} | ${field("ingest.rtmp")})`,
          "",
          "Publish a test picture with it:",
          "",
          `  ${publish}`,
          ""
        ]),
    "See who is live:",
    "",
    `  curl -s -w '\\n' ${url}/streams -H "X-API-Key: $SECRET"`,
    `  ${environmentOf(facts)}${facts.program} streams watch`,
    "",
    ""
  ].join("\n")
}
