import { afterAll, assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { eventsOf, goesOn, goOnAir, happens, isOver, isRefused, listed, newKey, revoked, TAKEN_OFF } from "../packages/server/test/scenarios/acts.ts"
import { Fleet } from "../packages/server/test/scenarios/Fleet.ts"
import { goesWrong } from "../packages/server/test/scenarios/HttpRelay.ts"
import { targetOf } from "../packages/server/test/scenarios/Target.ts"
import { listen, Venue, waitFor } from "../packages/server/test/scenarios/Venue.ts"
import * as realFleet from "./realFleet.ts"
import { measurements } from "./realVenues.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const
afterAll(() => console.log(`\n${measurements.table()}\n`))
const troubleLines = (lines: ReadonlyArray<any>) =>
  lines.filter((l) => /reconciler|sees/.test(l.message)).map((l) => `${l.time} ${l.level} ${l.message} ${l.error ?? ""}`)

layer(realFleet.layer({ instances: [{}] }), options)("A", (it) => {
  it.effect("kill -9 at random after a revoke", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const { service } = venue
      const protocols = ["rtmp", "rtsp", "srt"] as const
      for (let n = 0; n < 10; n++) {
        const onAir = yield* goOnAir(yield* newKey(), protocols[n % 3]!)
        const bystander = n % 5 === 0 ? yield* goOnAir(yield* newKey(), "rtsp") : undefined
        const wait = [5, 15, 25, 40, 60, 80, 110, 150, 200, 300][n]!
        const answer = yield* Effect.forkScoped(service.api.call("DELETE", `/stream-keys/${onAir.key.id}`))
        yield* Effect.sleep(wait)
        yield* service.kill
        yield* service.start
        const ready = performance.now()
        const key = yield* service.api.key(onAir.key.id)
        if (key.status === "revoked") {
          const ms = yield* isOver(onAir, "revoked")
          const events = yield* eventsOf(onAir.stream.id)
          console.log(n, wait, "revoked stands; over after", Math.round(performance.now() - ready), events.join(","))
          assert.strictEqual(events.filter((e) => e === "stop_requested").length, 1)
          assert.strictEqual(events.filter((e) => e === "ended").length, 1)
          yield* onAir.encoder.ended
        } else {
          console.log(n, wait, "revoke was never committed:", key.status)
          yield* goesOn(onAir)
        }
        if (bystander) yield* goesOn(bystander)
      }
    }), 110_000)

  it.effect("a control API whose trouble changes its face", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const { controlApi } = yield* Fleet
      const onAir = yield* goOnAir(yield* newKey(), "rtsp")
      const from = venue.service.lines().length
      for (let n = 0; n < 6; n++) {
        yield* controlApi.fault(n % 2 ? { _tag: "Status", status: 401 } : { _tag: "Status", status: 502 })
        yield* Effect.sleep("1200 millis")
      }
      yield* controlApi.fault(null)
      yield* goesOn(onAir)
      console.log(troubleLines(venue.service.lines().slice(from)).join("\n"))
    }))

  it.effect("frozen for 2.5 s with live streams: nobody is disturbed", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const live = yield* Effect.forEach(["rtmp", "rtsp", "srt"] as const, (p) => Effect.flatMap(newKey(), (key) => goOnAir(key, p)))
      const from = venue.service.lines().length
      yield* venue.mediaServer.freeze
      yield* Effect.sleep("2500 millis")
      yield* venue.mediaServer.thaw
      for (const one of live) { yield* goesOn(one); assert.deepStrictEqual(yield* eventsOf(one.stream.id), ["admitted", "ready"]) }
      console.log(troubleLines(venue.service.lines().slice(from)).join("\n"))
    }))

  it.effect("/auth takes 3 s for others: live streams stay, revoke works, lists hang", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const { door } = yield* Fleet
      const live = yield* Effect.forEach(["rtmp", "rtsp", "srt"] as const, (p) => Effect.flatMap(newKey(), (key) => goOnAir(key, p)))
      const gone = yield* goOnAir(yield* newKey(), "rtmp")
      const goneRtsp = yield* goOnAir(yield* newKey(), "rtsp")
      const from = venue.service.lines().length
      yield* goesWrong(door, { _tag: "AnsweredLate", by: "3 seconds", only: '"action":"publish"' })
      const later = yield* Effect.forEach([1, 2, 3, 4], () => Effect.flatMap(newKey(), (key) => venue.encode(targetOf(key, "rtmp"))))
      yield* Effect.sleep("500 millis")
      const a = yield* venue.service.api.call<any>("DELETE", `/stream-keys/${gone.key.id}`)
      const b = yield* venue.service.api.call<any>("DELETE", `/stream-keys/${goneRtsp.key.id}`)
      console.log("revoke while auths pend", a.status, Math.round(a.millis), b.status, Math.round(b.millis))
      const t = performance.now()
      yield* isOver(gone, "revoked"); console.log("rtmp over", performance.now() - t)
      yield* isOver(goneRtsp, "revoked"); console.log("rtsp over", performance.now() - t)
      yield* door.fault(null)
      for (const one of live) { yield* goesOn(one); assert.deepStrictEqual(yield* eventsOf(one.stream.id), ["admitted", "ready"]) }
      console.log(troubleLines(venue.service.lines().slice(from)).join("\n"))
    }), 60_000)

  it.effect("MediaMTX killed without live streams: one line each", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const { service } = venue
      const from = service.lines().length
      yield* venue.mediaServer.kill
      yield* Effect.sleep("4 seconds")
      const health = yield* service.api.call<any>("GET", "/health")
      const metrics = yield* service.api.call<string>("GET", "/metrics")
      console.log(JSON.stringify(health.body), String(metrics.body).split("\n").filter((l) => /degraded.*unreach|last_look/.test(l)).join("\n"))
      const key = yield* newKey()
      yield* venue.mediaServer.start
      yield* venue.mediaServer.back
      const t = performance.now()
      yield* goOnAir(key, "rtsp")
      console.log("back to on air", performance.now() - t)
      console.log(troubleLines(service.lines().slice(from)).join("\n"))
    }), 60_000)
})

layer(realFleet.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("B", (it) => {
  for (const protocol of ["rtmp", "srt"] as const)
    it.effect(`takeover of a dead connection over ${protocol}`, () =>
      Effect.gen(function* () {
        const venue = yield* Venue
        const { api } = venue.service
        const key = yield* newKey()
        const first = yield* goOnAir(key, protocol)
        // SIGKILL is a clean close for RTMP, so for rtmp they are all alive; srt ones are killed, and stay listed
        let last = first
        const t0 = performance.now()
        for (let n = 0; n < 5; n++) {
          if (protocol === "srt") yield* last.encoder.kill
          const heard = yield* listen
          const t = performance.now()
          const encoder = yield* venue.encode(targetOf(key, protocol))
          const said = yield* heard.first("x", (l) => l.stream_key_id === key.id)
          assert.strictEqual(said.decision, "allow", String(said.reason))
          const ask = Effect.map(api.streams(`stream_key_id=${key.id}`), (s) => s.find((x) => x.source_id === said.source_id))
          const { value } = yield* waitFor("live", ask, 5000)
          console.log(protocol, n, "live after", Math.round(performance.now() - t))
          last = { key, encoder, stream: value }
        }
        yield* Effect.sleep("2 seconds")
        const all = yield* api.streams(`status=connecting,active,inactive&stream_key_id=${key.id}`)
        console.log(all.map((s) => `${s.status}/${s.end_reason}`).join(" "))
        yield* goesOn(last)
      }), 100_000)
})
