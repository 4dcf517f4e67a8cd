/**
 * The command of a worker: an argument vector with placeholders, read once when the service starts. No shell runs it. A placeholder's value
 * stays within its argument, whatever characters it has.
 */
import { Result } from "effect"

/** `[program, …arguments]`, with placeholders in the arguments. */
export type WorkerCommand = readonly [string, ...ReadonlyArray<string>]

export const placeholders = ["input", "output", "rtmp_output", "stream_id"] as const
export type Placeholder = (typeof placeholders)[number]

/**
 * Copies the codecs, over RTSP in TCP on both sides. It does not wait for a key frame: the SDP has the codec's parameters, and
 * ffmpeg reads the rest from earlier frames (`output_corrupt`), which are copied as well (`copyinkf`). When the SDP lacks the
 * parameters, ffmpeg probes for up to 10 s. Audio packets are sent at once, not collected for up to 0.7 s (`muxdelay`).
 */
export const defaultCommand: WorkerCommand = [
  "ffmpeg",
  ..."-hide_banner -nostdin -loglevel error -rtsp_transport tcp -timeout 4000000".split(" "),
  ..."-analyzeduration 10000000 -fpsprobesize 0 -flags +output_corrupt+low_delay -i {input}".split(" "),
  ..."-map 0 -c copy -copyinkf:v".split(" "),
  ..."-muxdelay 0 -f rtsp -rtsp_transport tcp {output}".split(" ")
]

const MAX_ARGUMENTS = 1_000

const fromJson = (text: string): ReadonlyArray<string> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((part) => typeof part === "string") ? value : undefined
  } catch {
    return undefined
  }
}

const placeholder = new RegExp(`\\{(${placeholders.join("|")})\\}`, "g")
/** Text that may be a misspelt placeholder; `${x}` and `%{x}` belong to other tools. */
const likePlaceholder = /(?<![$%\\])\{([a-z_]+)\}/g
const unknownIn = (parts: ReadonlyArray<string>): string | undefined =>
  parts
    .flatMap((part) => [...part.matchAll(likePlaceholder)].map(([, name]) => name ?? ""))
    .find((name) => !placeholders.some((known) => known === name))

const has = (text: string, name: Placeholder) => text.includes(`{${name}}`)

/** Reads a JSON array of strings. Fails with a sentence on what was expected. */
export const parseCommand = (text: string): Result.Result<WorkerCommand, string> => {
  const parts = fromJson(text)
  if (parts === undefined)
    return Result.fail('expected a JSON array of strings, such as ["ffmpeg", "-i", "{input}", …]')
  const [program, ...rest] = parts
  if (program === undefined || program === "") return Result.fail("expected a command that begins with a program")
  if (parts.some((part) => part.includes("\u0000"))) return Result.fail("expected a command without NUL characters")
  if (parts.length > MAX_ARGUMENTS) return Result.fail(`expected a command of at most ${MAX_ARGUMENTS} arguments`)
  if (placeholders.some((name) => has(program, name))) {
    return Result.fail("expected placeholders in the arguments only, not in the program")
  }
  const unknown = unknownIn(rest)
  if (unknown !== undefined) {
    const known = placeholders.map((name) => `{${name}}`).join(", ")
    return Result.fail(`expected no placeholders but ${known}: put spaces inside other braces, { ${unknown} }`)
  }
  if (!rest.some((part) => has(part, "output") || has(part, "rtmp_output"))) {
    return Result.fail("expected an argument with {output} or {rtmp_output}: without it nothing can be published")
  }
  return Result.succeed([program, ...rest])
}

/** Replaces all placeholders in one step, so that a placeholder in a value is not replaced. */
export const fillCommand = (
  [program, ...rest]: WorkerCommand,
  values: { readonly [P in Placeholder]: string }
): WorkerCommand => [program, ...rest.map((part) => part.replace(placeholder, (_, name: Placeholder) => values[name]))]

/** Where an id could begin an option: at the beginning of an argument, or of a word, because the command may pass it to a shell. */
const beginsWord = /(?:^|[^\w=/:.,@+-])\{stream_id\}/

/**
 * Whether the program could read the id as one of its options: `live/-x/in` has the id `-x`. The other values are URLs, which begin
 * with their scheme.
 */
export const readsAsOption = ([, ...rest]: WorkerCommand, id: string): boolean =>
  id.startsWith("-") && rest.some((part) => beginsWord.test(part))
