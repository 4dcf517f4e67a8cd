/** What lists and events show of viewers: the domain's seconds as times, and no key in what a client has sent. Pure. */
import {
  type LoggedViewer,
  type RevokedViewer,
  type ViewerRefusal,
  type WatchedViewer,
  withoutKeys
} from "@greenroom/core"
import { DateTime } from "effect"
import type { RefusedViewer, ViewerSession } from "../api/eventSchemas.ts"
import type { Viewer } from "../api/ViewersApi.ts"

/** Of seconds since 1970. */
export const timeOf = (seconds: number): DateTime.Utc => DateTime.makeUnsafe(Math.round(seconds * 1000))

export const viewerShown = ({ grant, ...viewer }: WatchedViewer): typeof Viewer.Type => ({
  ...viewer,
  viewerId: grant?.viewerId ?? null,
  tokenId: grant?.tokenId ?? null
})

export const viewerSessionShown = ({ why, ...viewer }: LoggedViewer): typeof ViewerSession.Type => ({
  ...viewer,
  reason: why
})

const clean = (text: string | null): string | null => (text === null ? null : withoutKeys(text))

/** A client that was refused has sent what it liked. */
export const refusalShown = (refusal: ViewerRefusal) =>
  ({
    ...refusal,
    path: withoutKeys(refusal.path),
    protocol: clean(refusal.protocol),
    ip: clean(refusal.ip),
    userAgent: clean(refusal.userAgent),
    detail: withoutKeys(refusal.detail),
    decisionId: refusal.decisionId as (typeof RefusedViewer.Type)["decisionId"]
  }) satisfies typeof RefusedViewer.Type

export const revocationShown = ({ at, until, ...revoked }: RevokedViewer) => ({
  ...revoked,
  revokedAt: timeOf(at),
  until: until === null ? null : timeOf(until)
})
