/**
 * The viewers: they come over every protocol, show a token where their protocol has room for one, leave, look away and come back. What they do is told to
 * the media server alone.
 */
import type { Coverage } from "@greenroom/core"
import { type Client, World } from "@greenroom/mediamtx-simulator"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import { isGoodFor } from "./mayWatchOracle.ts"
import { type Member, uuidOf } from "./Scenario.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import { familyOfViewer, type Setting, type TokenPlace, type TokenShown, type Watch } from "./Step.ts"
import type { IssuedToken, TokenBook } from "./TokenBook.ts"

export interface PlayersOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly scenario: ReadonlyArray<Member>
  readonly setting: Setting
  readonly tokens: TokenBook
}

/** What a viewer has shown, by the ids that its session may get. */
export interface Shown {
  readonly path: string
  readonly token: IssuedToken | null
  /** Whether the session itself shows the text, or the id alone. */
  readonly isInQuery: boolean
}

const FALLBACK_EXPIRES_IN = 120

const credentialsOf = (
  token: IssuedToken | null,
  protocol: Watch["protocol"],
  place: TokenPlace
): Pick<Client, "user" | "password" | "token" | "query"> => {
  if (token === null) return {}
  const { text, claims } = token
  const pair = { user: claims.id, password: text }
  const family = familyOfViewer(protocol)
  if (family === "srt") return pair
  if (place === "password" && (family === "rtsp" || family === "hls")) return pair
  if (place === "bearer" && (family === "webrtc" || family === "hls")) return { token: text, query: `v=${claims.id}` }
  return { query: `token=${text}` }
}

export const makePlayers = ({ kernel, counts, store, host, scenario, setting, tokens }: PlayersOptions) => {
  const seats = Array.from(
    { length: setting.viewers },
    (): { ids: ReadonlyArray<string>; token: IssuedToken | null } => ({
      ids: [],
      token: null
    })
  )
  const shown = new Map<string, Shown>()
  const cameBack = new Map<string, number>()
  let came = 0
  const newId = () => uuidOf(0xe, ++came)
  const seat = (viewer: number) => seats[viewer % Math.max(1, seats.length)]

  /** One of the paths on which somebody publishes, if there are some. */
  const placeOf = (who: number): Member => {
    const onAir = new Set(World.publishers(host.world()).map(({ path }) => path))
    const places = scenario.filter(({ path }) => onAir.has(path))
    return places.length === 0 ? scenario[who % scenario.length]! : places[who % places.length]!
  }
  /** The session in this place that the media server still has. */
  const currentOf = (viewer: number): string | undefined => {
    const { connections } = host.world()
    return seat(viewer)?.ids.find((id) => connections.has(id))
  }
  const withCurrent = (viewer: number, act: (id: string) => void) => {
    const id = currentOf(viewer)
    if (id !== undefined) act(id)
  }
  const verdict = (path: string, token: IssuedToken) => {
    const seconds = kernel.now() / 1_000
    return isGoodFor(store.state, setting.playback, path, token, seconds, [seconds])
  }
  const isRevoked = ({ claims: { id } }: IssuedToken) =>
    (store.state.playbackTokens.get(id)?.revokedAt ?? null) !== null
  const isExpired = ({ claims: { expiresAt } }: IssuedToken) => expiresAt + 5 < kernel.now() / 1_000
  const good = (path: string): IssuedToken => {
    const coverage: Coverage = { _tag: "Path", path }
    return (
      tokens.choose((token) => verdict(path, token) === "yes") ??
      tokens.sign({ coverage, viewerId: null, maxSessions: null }, FALLBACK_EXPIRES_IN)
    )
  }
  const chooseToken = (shows: TokenShown, path: string): IssuedToken | null => {
    switch (shows) {
      case "good":
        return good(path)
      case "none":
        return null
      case "revoked":
        return tokens.choose(isRevoked) ?? null
      case "of another path":
        return tokens.choose(({ claims: { coverage } }) => coverage._tag === "Path" && coverage.path !== path) ?? null
      case "expired":
        return tokens.choose(isExpired) ?? null
      case "changed":
        return tokens.changed(good(path))
    }
  }

  return {
    placeOf,
    currentOf,
    /** The token that was shown last in this place. */
    tokenOf: (viewer: number): IssuedToken | null => seat(viewer)?.token ?? null,
    shownBy: (id: string): Shown | undefined => shown.get(id),
    watch: ({ viewer, who, protocol, shows, place }: Omit<Watch, "_tag">) => {
      const own = seat(viewer)
      if (own === undefined || currentOf(viewer) !== undefined) return
      const { path } = placeOf(who)
      const token = chooseToken(shows, path)
      const [id, otherId] = [newId(), newId()]
      const credentials = credentialsOf(token, protocol, place)
      const one: Shown = {
        path,
        token,
        isInQuery: credentials.query?.startsWith("token=") === true
      }
      for (const each of [id, otherId]) shown.set(each, one)
      own.ids = [id, otherId]
      own.token = token
      counts.fault(`viewer with a token: ${token === null ? "none" : shows}`)
      host.watch({ ...credentials, id, otherId, action: "read", protocol, path })
    },
    leave: (viewer: number) => withCurrent(viewer, (id) => host.change((world, now) => World.leave(world, now, id))),
    /** All HLS players ask for nothing any more. Whether there are some. */
    hlsEnds: (): boolean => {
      const those = [...host.world().connections.values()].filter(({ protocol }) => protocol === "hls")
      for (const { id } of those) host.change((world, now) => World.leave(world, now, id))
      return those.length > 0
    },
    die: (viewer: number) =>
      withCurrent(viewer, (id) => {
        counts.fault("player killed")
        host.change((world, now) => World.kill(world, now, id))
      }),
    /** An HLS player whose session is closed meanwhile does not come back under it. */
    idle: (viewer: number, millis: number) =>
      withCurrent(viewer, (id) => {
        counts.fault("player looks away")
        host.change((world, now) => World.freeze(world, now, id))
        kernel.after(millis, () => {
          cameBack.set(id, kernel.now())
          host.change((world, now) => World.thaw(world, now, id))
        })
      }),
    /** When the player of this session has asked again after a while. */
    cameBackAt: (id: string): number => cameBack.get(id) ?? Number.NEGATIVE_INFINITY
  }
}

export type Players = ReturnType<typeof makePlayers>
