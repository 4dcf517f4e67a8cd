/** The plays by name, in the order in which they are shown. A play ends with `ok`, or with what was seen instead in a few words. */
import { needsBrowser, type Way } from "./MediaUnderTest.ts"

export const plays = [
  "publish",
  "page",
  "refuse",
  "second publisher",
  "revoke",
  "kill",
  "reconnect",
  "restart",
  "stranger"
] as const
export type Play = (typeof plays)[number]

/** The page is a browser's. */
export const isPlayedOver = (way: Way, play: Play): boolean => play !== "page" || needsBrowser(way)

/** Keeps a fact beside the outcome: milliseconds, or words. */
export type Measure = (what: string, value: number | string) => void
