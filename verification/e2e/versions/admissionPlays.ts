/** Who gets in and who does not, over one protocol of one version. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { goesOn, isOver, isRefused, listed, neverPublished, newKey, someName } from "../../scenarios/acts.ts"
import { bentPath, type Target } from "../../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../../worlds/TestDeployment.ts"
import { onAir } from "./acts.ts"
import { MediaUnderTest, shownAs, type Way } from "./MediaUnderTest.ts"
import type { Measure } from "./Play.ts"
import { statusOf } from "./statusOf.ts"

/** Its failure keeps all other plays of the way from being played. */
export const publish = Effect.fnUntraced(function* (way: Way, measure: Measure) {
  const began = performance.now()
  const live = yield* onAir(way)
  measure("encoder started to listed", performance.now() - began)
  yield* goesOn(live)
  const { protocol, source_type: sourceType } = live.stream
  const isShown =
    protocol === shownAs[way].protocol && sourceType?.toLowerCase() === shownAs[way].sourceType.toLowerCase()
  return isShown ? "ok" : `shown as ${protocol}, ${sourceType}`
})

const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString("base64")}`

/** MediaMTX's own page to publish from: it asks about the key before there is a connection, also while the key publishes. */
export const page = Effect.fnUntraced(function* (way: Way) {
  const { api } = (yield* TestDeployment).service
  const media = yield* MediaUnderTest
  const key = yield* newKey()
  const { url } = media.targetOf(key, way)
  const publishPage = `${url.replace(/\/whip$/, "")}/publish`
  const ask = (secret: string) => statusOf("GET", publishPage, basic(secret))
  const [before, wrong] = [yield* ask(key.key_value), yield* ask(api.inventKey())]
  yield* onAir(way, key)
  const meanwhile = yield* ask(key.key_value)
  const seen = [before, wrong, meanwhile].join(", ")
  return seen === "200, 401, 200" ? "ok" : `answers ${seen} to the key, another one, and the key in use`
})

/** The encoder's own words, without its addresses and times. */
const wordsOf = (shown: string): string => {
  const [line = ""] = shown.split("\n").filter((text) => /error|fail|refus|denied|reject|HTTP|clos|401|403/i.test(text))
  return line
    .replace(/^\[[^\]]*\]\s*|^[\d:.]+\/SRT\S* (.*: )?/, "")
    .replaceAll(/\S+:\/\/\S+/g, "…")
    .slice(0, 120)
}

export const refuse = Effect.fnUntraced(function* (way: Way, measure: Measure) {
  const { api } = (yield* TestDeployment).service
  const media = yield* MediaUnderTest
  const key = yield* newKey()
  const wrong = { ...key, key_value: api.inventKey() }
  const text = (target: Target): Target => ({
    ...target,
    url: target.url.replaceAll(key.key_value, wrong.key_value),
    bearer: target.bearer.replaceAll(key.key_value, wrong.key_value)
  })
  const target = text(media.targetOf(key, way))
  const encoder = yield* isRefused("a wrong key", target, "invalid_stream_key")
  const ended = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
  const { millis } = yield* waitFor("the refused encoder ends", ended, 5_000)
  measure("a refused encoder shows", wordsOf(encoder.shown()) || "nothing")
  measure("refused to its encoder's end", millis)
  assert.isFalse((yield* media.isPublished(target.path)) ?? true, "MediaMTX shows no publisher")
  yield* neverPublished(key)
  return "ok"
})

export const secondPublisher = Effect.fnUntraced(function* (way: Way) {
  const media = yield* MediaUnderTest
  const first = yield* onAir(way)
  const target = media.targetOf(first.key, way)
  const same = yield* isRefused("a second encoder on the path", target, "stream_key_in_use")
  const other = bentPath(target, someName("live/elsewhere"))
  const elsewhere = yield* isRefused("a second encoder on another path", other, "stream_key_in_use")
  yield* Effect.all([same.ended, elsewhere.ended])
  yield* goesOn(first)
  return "ok"
})

/** As an encoder does that is stopped and started: nothing is waited for between. */
export const reconnect = Effect.fnUntraced(function* (way: Way) {
  const media = yield* MediaUnderTest
  const live = yield* onAir(way)
  yield* live.encoder.stop
  const heard = yield* listen
  yield* (yield* TestDeployment).encode(media.targetOf(live.key, way))
  const line = yield* heard.first(
    "something of the newcomer",
    ({ stream_key_id, reason }) => stream_key_id === live.key.id && reason !== "unauthorized"
  )
  if (line.decision !== "allow") return `refused, ${line.reason}`
  const { value } = yield* listed(live.key)
  assert.notStrictEqual(value.id, live.stream.id)
  yield* isOver(live, "disconnected")
  return "ok"
})
