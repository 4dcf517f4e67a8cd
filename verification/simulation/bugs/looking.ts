/** Bugs in how the media server and the store are looked at. */
import type { Answer } from "@greenroom/adapters/mediamtx"
import type { StoreSnapshot } from "@greenroom/core"
import { Clock, Effect } from "effect"
import type { Ports } from "../Ports.ts"
import type { Bug } from "./Bug.ts"

type Looking = Ports["mediaServer"]["snapshot"]

const lookingAs =
  (alter: (looking: Looking) => Looking) =>
  (ports: Ports): Ports => ({
    ...ports,
    mediaServer: {
      ...ports.mediaServer,
      snapshot: alter(ports.mediaServer.snapshot),
      recheck: (lists) => alter(ports.mediaServer.recheck(lists))
    }
  })

export const oneSnapshot: Bug = {
  name: "one store snapshot instead of two",
  what: "the snapshot before the look is taken for the one after it, too",
  change: (ports) => {
    let before: StoreSnapshot | null = null
    return {
      ...ports,
      sessions: {
        ...ports.sessions,
        open: Effect.tap(ports.sessions.open, (snapshot) =>
          Effect.sync(() => {
            before = snapshot
          })
        ),
        after: (listed) => Effect.map(ports.sessions.after(listed), (snapshot) => ({ ...snapshot, ...before }))
      }
    }
  }
}

export const listBeforeStore: Bug = {
  name: "list read before the store for absence",
  what: "what is absent from the list is judged by a store that was read after it",
  change: (ports) => {
    let before: { -readonly [K in keyof StoreSnapshot]: StoreSnapshot[K] } | null = null
    return {
      ...ports,
      sessions: {
        ...ports.sessions,
        open: Effect.map(ports.sessions.open, (snapshot) => {
          before = { ...snapshot }
          return before
        }),
        after: (listed) =>
          Effect.map(ports.sessions.after(listed), (snapshot) => {
            if (before !== null) Object.assign(before, { now: snapshot.now, open: snapshot.open })
            return snapshot
          })
      }
    }
  }
}

const emptyList: Answer = { _tag: "Ok", body: { itemCount: 0, pageCount: 0, items: [] } }
const isList = (answer: Answer) => answer._tag !== "Ok" || typeof answer.body === "object"

export const failedListIsEmpty: Bug = {
  name: "a failed list taken for an empty one",
  what: "a list that was not answered makes a look without anybody in it",
  controlApi: (right) => (call) =>
    /(conns|sessions)\/list$/.test(call.route)
      ? Effect.map(
          Effect.orElseSucceed(right(call), () => emptyList),
          (answer) => (isList(answer) ? answer : emptyList)
        )
      : right(call)
}

const KEPT_MS = 5_000

export const restartUnnoticed: Bug = {
  name: "restart of MediaMTX in mid-pass not noticed",
  what: "`started` is asked at the beginning of a look only",
  controlApi: (right) => {
    let began: { readonly at: number; readonly answer: Answer } | null = null
    return (call) =>
      Effect.gen(function* () {
        if (call.route !== "/v3/info") return yield* right(call)
        const now = yield* Clock.currentTimeMillis
        const kept = began
        began = null
        if (kept !== null && now - kept.at < KEPT_MS) return kept.answer
        const answer = yield* right(call)
        began = { at: now, answer }
        return answer
      })
  }
}

export const webrtcTrusted: Bug = {
  name: "WebRTC state trusted before its connection stands",
  what: "every WebRTC session that calls itself a publisher is taken for one",
  change: lookingAs((looking) =>
    Effect.map(looking, (look) => ({
      ...look,
      sources: look.sources.map((source) => ({ ...source, established: true }))
    }))
  )
}

export const pathsLogged: Bug = {
  name: "paths logged as they came",
  what: "a path is written to the log without the look for a key in it",
  change: lookingAs((looking) =>
    Effect.tap(looking, ({ paths }) =>
      Effect.annotateLogs(Effect.logInfo("paths"), { path: paths.map(({ name }) => name).join() })
    )
  )
}

export const ownSourceTrusted: Bug = {
  name: "a source of the media server's own taken for a publisher",
  what: "a path without a publisher is listed as if an RTSP session were on it",
  change: lookingAs((looking) =>
    Effect.map(looking, (look) => ({
      ...look,
      paths: [
        ...look.paths,
        ...look.ownPaths.map(({ name }) => ({
          name,
          ready: true,
          sourceType: "rtspSession",
          sourceId: `of ${name}`,
          observation: nothingSeen
        }))
      ]
    }))
  )
}

export const ownListAlone: Bug = {
  name: "a source looked for in one list alone",
  what: "who speaks RTMPS or RTSPS, which MediaMTX's auth calls do not say, is looked for in the list of the plain protocol",
  controlApi: (right) => (call) =>
    /^\/v3\/(rtmps|rtsps)\w*\/(get|kick)$/.test(call.route) && !/^\/v3\/rtsp(sessions|conns)/.test(call.route)
      ? Effect.succeed({ _tag: "NoRoute" })
      : right(call)
}

export const listedIsReady: Bug = {
  name: "a listed publisher taken for one that is ready",
  what: "whoever calls itself a publisher in its protocol's list is taken to be on its path",
  change: lookingAs((looking) =>
    Effect.map(looking, (look) => ({
      ...look,
      paths: [
        ...look.paths,
        ...look.sources.flatMap(({ id, path, state }) =>
          state !== "publish" || path === null || look.paths.some(({ sourceId }) => sourceId === id)
            ? []
            : [{ name: path, ready: true, sourceType: "webRTCSession", sourceId: id, observation: nothingSeen }]
        )
      ]
    }))
  )
}

const nothingSeen = { tracks: [], viewerCount: 0, inboundBytes: 0 }

export const listsKept: Bug = {
  name: "lists of protocols kept while the paths are the same",
  what: "as long as the same publishers are on the same paths, the lists of protocols are those of an earlier look, however old",
  change: lookingAs((looking) => {
    let before: Effect.Success<Looking> | null = null
    const shown = ({ paths }: Effect.Success<Looking>) =>
      paths.map(({ name, sourceId }) => `${name} ${sourceId}`).join()
    return Effect.map(looking, (look) => {
      const isSame = before !== null && before.started === look.started && shown(before) === shown(look)
      before = isSame && before !== null ? { ...look, sources: before.sources } : look
      return before
    })
  })
}

export const processNotAsked: Bug = {
  name: "a recheck that does not ask for the process",
  what: "the process of the last look is taken to have answered the list of paths, too",
  change: (ports) => {
    let started: string | null = null
    const noted = Effect.tap(ports.mediaServer.snapshot, (look) =>
      Effect.sync(() => {
        started = look.started
      })
    )
    const recheck: Ports["mediaServer"]["recheck"] = (lists) =>
      Effect.map(ports.mediaServer.recheck(lists), (look) => ({ ...look, started: started ?? look.started }))
    return { ...ports, mediaServer: { ...ports.mediaServer, snapshot: noted, recheck } }
  }
}

export const listsNotRead: Bug = {
  name: "a recheck that does not read the lists of connecting sessions",
  what: "a recheck reads the list of paths alone, whatever lists it is asked for",
  change: (ports) => ({
    ...ports,
    mediaServer: { ...ports.mediaServer, recheck: () => ports.mediaServer.recheck(new Set()) }
  })
}
