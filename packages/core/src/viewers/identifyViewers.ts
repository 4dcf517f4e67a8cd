/**
 * Finds out whose sessions are that this process has not let in itself: the media server describes each, once, and its token is verified or, where
 * only its id shows, looked up in the store.
 */
import { type DateTime, Effect } from "effect"
import { allowsSession } from "../domain/playback/decidePlayback.ts"
import { grantOf, type PlaybackToken, type PlaybackTokenId, type TokenGrant } from "../domain/playback/PlaybackToken.ts"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import type { Viewer, ViewerDescription, ViewerProtocol } from "../domain/viewers/Viewer.ts"
import { type SessionIdentity, UNIDENTIFIED_FOR_MS, type ViewerSession } from "../domain/viewers/viewerSessions.ts"
import type { AdmittedViewer } from "../playback/AdmittedViewers.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { PlaybackTokens } from "../ports/PlaybackTokens.ts"
import { nowSeconds } from "../resilience/ProcessClock.ts"

/** More unknown sessions of a protocol than this are read with its list. */
const ASK_EACH_MAX = 20
/** RTSP's take turns in the adapter. */
const AT_ONCE = 8

type Unknown = ViewerSession & { readonly identity: Extract<SessionIdentity, { readonly _tag: "Unknown" }> }

const isUnknown = (session: ViewerSession): session is Unknown => session.identity._tag === "Unknown"

const isUnasked = ({ identity }: Unknown): boolean => identity.asked === null

type Described = ReadonlyMap<string, ViewerDescription>

/** What the media server shows of them; a session that it does not show is asked about again. */
const describeProtocol = Effect.fnUntraced(function* (protocol: ViewerProtocol, sessions: ReadonlyArray<Unknown>) {
  const mediaServer = yield* MediaServer
  if (sessions.length > ASK_EACH_MAX) {
    const all = yield* Effect.option(mediaServer.viewersOf(protocol))
    return all._tag === "Some" ? all.value : []
  }
  const found = yield* Effect.forEach(
    sessions,
    ({ listed }) => Effect.option(mediaServer.findViewer({ protocol, id: listed.id })),
    { concurrency: AT_ONCE }
  )
  return found.flatMap((one) => (one._tag === "Some" && one.value !== "gone" ? [one.value] : []))
})

const describe = Effect.fnUntraced(function* (sessions: ReadonlyArray<Unknown>) {
  const unasked = sessions.filter(isUnasked)
  const protocols = [...new Set(unasked.map(({ listed }) => listed.protocol))]
  const found = yield* Effect.forEach(
    protocols,
    (protocol) =>
      describeProtocol(
        protocol,
        unasked.filter(({ listed }) => listed.protocol === protocol)
      ),
    { concurrency: "unbounded" }
  )
  const described: Described = new Map(found.flat().map((one) => [one.id, one]))
  return described
})

const grantOfStored = (token: PlaybackToken): TokenGrant => ({
  tokenId: token.id,
  signingKeyId: token.signingKeyId,
  viewerId: token.viewerId,
  issuedAt: token.createdAt.epochMilliseconds / 1000,
  expiresAt: token.expiresAt.epochMilliseconds / 1000,
  maxSessions: token.maxSessions,
  coverage: token.coverage
})

/** Of the token in the session's own query. */
const grantShown = Effect.fnUntraced(function* ({ token }: ViewerDescription) {
  if (token === null) return null
  const verified = yield* (yield* PlaybackAccess).verify(token)
  if (verified._tag === "NotVerified" || !allowsSession(verified.claims, yield* nowSeconds)) return null
  return grantOf(verified.claims, verified.signingKeyId)
})

const storedGrants = Effect.fnUntraced(function* (ids: ReadonlyArray<PlaybackTokenId>) {
  if (ids.length === 0) return new Map<string, TokenGrant>()
  const tokens = yield* (yield* PlaybackTokens).findAll([...new Set(ids)])
  return new Map<string, TokenGrant>(tokens.map((token) => [token.id, grantOfStored(token)]))
})

const viewerOf = (described: ViewerDescription, grant: TokenGrant | null): Viewer => ({
  id: described.id,
  protocol: described.protocol,
  path: described.path,
  streamId: null,
  broadcasterId: null,
  ip: described.ip,
  userAgent: described.userAgent,
  since: described.since,
  grant,
  isCdn: described.isCdn
})

/** Of a session that this process has let in. */
export const viewerAdmitted = (
  { listed: { id, protocol, path } }: Pick<ViewerSession, "listed">,
  { ip, userAgent, grant }: AdmittedViewer,
  since: DateTime.Utc
): Viewer => ({ id, protocol, path, streamId: null, broadcasterId: null, ip, userAgent, since, grant, isCdn: false })

/** `unread`: it is not known now whether it has a token. */
type Grant = TokenGrant | null | "unread"

const grantsOf = Effect.fnUntraced(function* (all: ReadonlyArray<ViewerDescription>) {
  const shown = yield* Effect.forEach(
    all,
    (described): Effect.Effect<Grant, never, PlaybackAccess> =>
      Effect.catch(grantShown(described), () => Effect.succeed("unread" as const))
  )
  const named = all.flatMap(({ tokenId }, index) => (shown[index] === null && tokenId !== null ? [tokenId] : []))
  const stored = yield* Effect.option(storedGrants(named))
  return all.map(({ tokenId }, index): Grant => {
    const grant = shown[index] ?? null
    if (grant !== null || tokenId === null) return grant
    return stored._tag === "None" ? "unread" : (stored.value.get(tokenId) ?? null)
  })
})

/** By the id of its key, and on the source of its pipeline alone. */
const isWorker = ({ workerKeyId, path }: ViewerDescription, sources: ReadonlyMap<StreamKeyId, string>): boolean =>
  workerKeyId !== null && sources.get(workerKeyId) === path

/** An application's token is written a moment after its first use. */
const mayStillCome = ({ tokenId }: ViewerDescription, { firstSeen }: ViewerSession, now: number): boolean =>
  tokenId !== null && now - firstSeen < UNIDENTIFIED_FOR_MS

/** It may have a token that is not shown, and was let in where one is needed: by right, as far as is known. */
const mayBeHidden = Effect.fnUntraced(function* ({ isWhole, isCdn, path }: ViewerDescription) {
  if (isWhole || isCdn) return false
  const facts = yield* Effect.option((yield* PlaybackAccess).factsOf(path, "follow"))
  return facts._tag === "None" || facts.value.policy === "token"
})

/** What is known now of sessions of which nothing was. One that only the store knows stays unknown, and is not kicked. */
export const identifyViewers = Effect.fnUntraced(function* (sessions: ReadonlyArray<ViewerSession>, now: number) {
  const unknown = sessions.filter(isUnknown)
  const identities = new Map<string, SessionIdentity>()
  if (unknown.length === 0) return identities
  const { workerKeys } = yield* CurrentViewers
  const described = yield* describe(unknown)
  const all = unknown.flatMap((session) => {
    const description = session.identity.asked ?? described.get(session.listed.id)
    return description === undefined ? [] : [{ session, description }]
  })
  const grants = yield* grantsOf(all.map(({ description }) => description))
  const hidden = yield* Effect.forEach(all, ({ description }) => mayBeHidden(description))
  all.forEach(({ session, description }, index) => {
    const grant = grants[index] ?? null
    const mayHaveOne = hidden[index] === true || mayStillCome(description, session, now)
    const isOpen = grant === "unread" || (grant === null && mayHaveOne)
    const identity: SessionIdentity = isWorker(description, workerKeys)
      ? { _tag: "Worker" }
      : isOpen
        ? { _tag: "Unknown", asked: description }
        : { _tag: "Viewer", viewer: viewerOf(description, grant) }
    identities.set(session.listed.id, identity)
  })
  return identities
})
