/**
 * An encoder's settings as they are given to `greenroom auth check`. A key in an argument stays in the shell's history and is seen in the list of processes,
 * so `-` reads them from standard input: a URL or a stream id, and in a second line the stream key of OBS, or the bearer token of WHIP.
 */
import { Effect, Redacted, Stdio, Stream } from "effect"
import type { NewAuthCheck } from "../http/api/authCheckSchemas.ts"
import { failed } from "./CommandFailed.ts"

type Question = typeof NewAuthCheck.Type

/** More than any URL. */
const INPUT_MAX = 64 * 1024

const hidden = (text: string) => Redacted.make(text)

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
const isHttp = (text: string): boolean => /^(?:https?|whips?):/i.test(text)

/** `second`: the stream key behind an RTMP server, or the bearer token behind an HTTP URL. */
export const questionOf = (first: string, second: string | null): Question => {
  if (!isUrl(first)) return { streamid: hidden(first) }
  if (second === null) return { url: hidden(first) }
  return isHttp(first)
    ? { url: hidden(first), bearer: hidden(second) }
    : { server: hidden(first), stream_key: hidden(second) }
}

const unreadable = failed("usage", "Standard input cannot be read.")

/** The lines of standard input that are not empty. */
export const inputLines = Effect.gen(function* () {
  const { stdin } = yield* Stdio.Stdio
  let text = ""
  yield* Stream.runForEach(
    Stream.takeUntil(Stream.decodeText(stdin), () => text.length > INPUT_MAX),
    (piece) =>
      Effect.sync(() => {
        text += piece
      })
  ).pipe(Effect.mapError(() => unreadable))
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
})
