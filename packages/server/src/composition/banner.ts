/**
 * What `serve` prints when it is ready: where everything is, and commands to paste that create a key and publish a test picture.
 * For people, on standard output; nothing in it is secret, so the secret is named by the file that holds it.
 */
import type { PublicAddresses } from "@greenroom/core"

export interface BannerFacts {
  /** Where the API answers, as seen from this machine. */
  readonly url: string
  /** How the commands below get the secret: a file, or a variable that is set already. */
  readonly secretFile: string | null
  readonly database: string
  readonly mediaServer: string
  readonly addresses: PublicAddresses
  /** Milliseconds since the process began. */
  readonly readyAfter: number
}

const line = (name: string, value: string) => `  ${name.padEnd(13)}${value}`

/** Publishes with the OBS instructions' own RTMP address, taken from the answer that creates the key. */
const publish = (ingest: string) =>
  `ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 -pix_fmt yuv420p \\
    -c:v libx264 -preset veryfast -tune zerolatency -g 30 -c:a aac -f flv "${ingest}"`

export const banner = (facts: BannerFacts): string => {
  const secret = facts.secretFile === null ? "$API_SECRET" : `$(cat ${facts.secretFile})`
  const call = (method: string, path: string, body: string) =>
    `curl -s -X ${method} ${facts.url}${path} -H "X-API-Key: $SECRET" -H 'Content-Type: application/json' -d "${body}"`
  const field = (name: string) => `node -pe 'JSON.parse(require("fs").readFileSync(0)).${name}'`
  const { addresses } = facts
  const outputs = Object.entries(addresses).flatMap(([name, base]) => (base === null ? [] : [`${name} ${base}`]))
  return [
    "",
    `Greenroom is ready after ${(facts.readyAfter / 1000).toFixed(2)} s`,
    "",
    line("API", `${facts.url}   reference: ${facts.url}/docs`),
    line("API secret", facts.secretFile === null ? "as configured (API_SECRET)" : `in ${facts.secretFile}`),
    line("Database", facts.database),
    line("Media server", facts.mediaServer),
    ...(outputs.length === 0 ? [] : [line("", outputs.join("  "))]),
    "",
    "Create a broadcaster and a key:",
    "",
    `  SECRET="${secret}"`,
    `  BROADCASTER=$(${call("POST", "/broadcasters", '{\\"display_name\\": \\"Studio One\\"}')} | ${field("id")})`,
    `  INGEST=$(${call("POST", "/stream-keys", '{\\"broadcaster_id\\": \\"$BROADCASTER\\"}')} | ${field("ingest.rtmp")})`,
    "",
    ...(addresses.rtmp === null ? [] : ["Publish a test picture with it:", "", `  ${publish("$INGEST")}`, ""]),
    "See who is live:",
    "",
    `  curl -s ${facts.url}/streams -H "X-API-Key: $SECRET"`,
    "",
    ""
  ].join("\n")
}
