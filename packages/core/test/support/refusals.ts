/** What every refusal owes its reader: one clear sentence, and nothing of a key but its public beginning. */
import { assert } from "@effect/vitest"
import { type Refusal, refusalReasons } from "@greenroom/core"

/** As many characters of a key as nobody may read: a text may hold its beginning up to here. */
const READABLE = 3 + 19

export const assertNoKey = (text: string, key: string, where: string): void =>
  assert.isFalse(text.includes(key.slice(0, READABLE + 1)), `a key is readable in ${where}: ${text}`)

export const assertSentence = (refusal: Refusal): void => {
  assert.include(refusalReasons, refusal.reason)
  assert.match(refusal.detail, /^[A-Z][^\n\r]{10,}$/u, "one sentence on one line")
}
