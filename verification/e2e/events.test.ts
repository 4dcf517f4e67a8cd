/**
 * Events while everything is killed: two Greenrooms on one PostgreSQL, killed fifty and ten times. A receiver of webhooks that fails in every
 * way misses none and gets those of a subject in order; a reader that polls and one of server-sent events get each once, in order.
 */
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { database } from "../worlds/database.ts"
import { pullingReader, streamingReader } from "../worlds/eventReaders.ts"
import { temporaryFolder, until } from "../worlds/processes.ts"
import { makeRng, type Rng } from "../worlds/Rng.ts"
import { API_SECRET, prepareService, type RunningService } from "../worlds/runService.ts"
import { noMediaServer } from "../worlds/service.ts"
import { startReceiver } from "../worlds/webhookReceiver.ts"

const KILLS_OF_GREENROOM = 50
const KILLS_OF_POSTGRES = 10
const SUBJECTS = 30
/** After the last kill: an event that failed is tried again after 5 s, a lease ends after 30. */
const CAUGHT_UP_WITHIN_MS = 90_000

const environment = (url: string) => ({
  ...noMediaServer,
  DATABASE_URL: url,
  ENCRYPTION_KEY: "the-encryption-key-of-the-test-of-events",
  WEBHOOKS_ALLOW_PRIVATE: "true"
})

/** Changes broadcasters through whichever instance answers, until it is interrupted. */
const write = Effect.fnUntraced(function* (instances: ReadonlyArray<RunningService>, rng: Rng) {
  const ids: Array<string> = []
  while (true) {
    const { api } = rng.pick(instances)
    const isNew = ids.length < SUBJECTS
    const [method, path] = isNew ? ["POST", "/broadcasters"] : ["PATCH", `/broadcasters/${rng.pick(ids)}`]
    const fields = { display_name: `Studio ${rng.below(1_000)}` }
    const answer = yield* api.once<{ readonly id: string } | null>(method!, path!, fields)
    if (isNew && answer.status === 201 && answer.body !== null) ids.push(answer.body.id)
    yield* Effect.sleep(rng.below(60))
  }
})

const killAll = Effect.fnUntraced(function* (
  instances: ReadonlyArray<RunningService>,
  db: Effect.Success<ReturnType<typeof database>>,
  rng: Rng
) {
  for (let kill = 1; kill <= KILLS_OF_GREENROOM; kill++) {
    const instance = instances[kill % instances.length]!
    yield* Effect.sleep(200 + rng.below(800))
    yield* instance.kill
    if (kill % (KILLS_OF_GREENROOM / KILLS_OF_POSTGRES) === 0) {
      yield* db.kill
      yield* Effect.sleep(rng.below(500))
      yield* db.start
    }
    yield* instance.start
  }
})

describe("events", () => {
  it.live(
    "none is lost and none overtakes another of its subject, while Greenroom is killed 50 times and PostgreSQL 10 times",
    () =>
      Effect.gen(function* () {
        const rng = makeRng(15)
        const db = yield* database(path.join(yield* temporaryFolder, "postgres"))
        const instances = [
          yield* prepareService(() => environment(db.url), db.directory),
          yield* prepareService(() => environment(db.url), db.directory)
        ]
        for (const { start } of instances) yield* start
        const receiver = yield* startReceiver(rng)
        const [first] = instances
        const created = yield* first!.api.call<{ readonly secret: string }>("POST", "/webhook-endpoints", {
          url: receiver.url
        })
        assert.strictEqual(created.status, 201)
        receiver.expect(created.body.secret)
        const start = yield* first!.api.call<{ readonly next: string }>("GET", "/events?limit=1&types=worker.failed")
        const bases = instances.map(({ port }) => `http://127.0.0.1:${port}`)
        const pulling = yield* pullingReader({ bases, secret: API_SECRET })
        const streaming = yield* streamingReader({ bases: bases.toReversed(), secret: API_SECRET }, start.body.next)
        const [head] = yield* db.query("select position from event_head")
        const from = Number(head!.position)

        const writing = yield* Effect.forkChild(write(instances, rng))
        yield* killAll(instances, db, rng)
        yield* Fiber.interrupt(writing)
        receiver.calm()

        const logged = Effect.map(
          db.query(`select position, id from event_log where position > ${from} order by position`),
          (rows) => rows.map(({ position, id }) => ({ position: Number(position), id: String(id) }))
        )
        const unplaced = Effect.map(
          db.query("select count(*)::integer as left from event_log where position is null"),
          (rows) => Number(rows[0]!.left)
        )
        yield* until("every event has a position", () => Effect.runPromise(Effect.map(unplaced, (left) => left === 0)))
        const events = yield* logged
        const positions = events.map(({ position }) => position)
        const missing = () => positions.filter((position) => !receiver.acknowledged().has(position))
        yield* until(
          "the receiver has acknowledged every event",
          () => missing().length === 0,
          CAUGHT_UP_WITHIN_MS
        ).pipe(Effect.tapCause(() => Effect.sync(() => console.log(`missing: ${missing().join()}`))))
        const last = positions.at(-1)!
        for (const reader of [pulling, streaming])
          yield* until("the readers have read every event", () => (reader.read.at(-1)?.position ?? 0) >= last)

        assert.deepStrictEqual(receiver.wrong(), [])
        for (const reader of [pulling, streaming]) {
          const own = reader.read.filter(({ position }) => position > from && position <= last)
          assert.deepStrictEqual(
            own.map(({ position, id }) => ({ position, id })),
            events
          )
        }
        assert.isAbove(events.length, 200)
        console.log(
          `${events.length} events, ${receiver.requests()} requests to the receiver; connections: ${pulling.reconnects()} polls, ${streaming.reconnects()} streams`
        )
      }).pipe(Effect.scoped),
    900_000
  )
})
