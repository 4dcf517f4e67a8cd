/** What a service says of a trouble: a line in its log when it begins and one when it is over, and a gauge while it lasts. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { RunningService } from "../worlds/runService.ts"

const storeLines = {
  begins: "the store does not answer: no publisher is admitted until it does",
  ends: ["the store answers again"]
} as const

/** The first is of one that has not looked before. */
const SEES = ["the reconciler observes", "the reconciler observes again"]
const reconcilerLines = {
  begins: "the reconciler cannot observe; the stored state stays unchanged until it can",
  ends: [...SEES, "the reconciler has recovered: another instance leads, this one follows"]
}

/** The kinds of trouble that the service's metrics show. */
const troublesOf = ({ api }: RunningService) =>
  Effect.map(api.call<string>("GET", "/metrics"), ({ body }) =>
    [...String(body).matchAll(/^greenroom_degraded\{kind="(\w+)"\} 1$/gm)].map(([, kind]) => kind!)
  )

const storeTroubles = ["store", "reconciler_store"]

/** An answer once the service's metrics show that it is without its store, or that nothing troubles it. */
export const isTroubled = (service: RunningService, isAway: boolean) =>
  Effect.map(troublesOf(service), (kinds) =>
    (isAway ? storeTroubles.every((kind) => kinds.includes(kind)) : kinds.length === 0) ? true : undefined
  )

export const listenToTroubles = (service: RunningService) => {
  const from = service.lines().length
  const said = ({ begins, ends }: { readonly begins: string; readonly ends: ReadonlyArray<string> }) =>
    service
      .lines()
      .slice(from)
      .map(({ message }) => message)
      .filter((message) => message === begins || ends.includes(message))
      // One that turns into another of its kind is told anew.
      .filter((message, index, all) => message !== begins || all[index - 1] !== begins)
  /**
   * Once the trouble has been told to be over: it was told once when it began and once when it was over. Whether the service sees now.
   * On a busy machine it may have been there, and over, a second time.
   */
  return Effect.sync((): boolean | undefined => {
    for (const lines of [storeLines, reconcilerLines]) {
      const all = said(lines)
      if (all.length === 0 || all.length % 2 === 1) return undefined
      assert.isAtMost(all.length, 4, all.join("; "))
      all.forEach((line, index) => {
        assert.strictEqual(line === lines.begins, index % 2 === 0, all.join("; "))
      })
    }
    return SEES.includes(said(reconcilerLines).at(-1) ?? "")
  })
}
