/**
 * Events while everything is killed: two Greenrooms on one PostgreSQL, killed fifty and ten times. A receiver of webhooks that fails in every
 * way misses none and gets those of a subject in order; a reader that polls and one of server-sent events get each once, in order.
 */
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { database } from "../worlds/database.ts"
import { eventWitnesses, webhookEnvironment } from "../worlds/eventWitnesses.ts"
import { temporaryFolder, until } from "../worlds/processes.ts"
import { makeRng, type Rng } from "../worlds/Rng.ts"
import { prepareService, type RunningService } from "../worlds/runService.ts"
import { noMediaServer } from "../worlds/service.ts"

/** In each round PostgreSQL is killed once. */
const ROUNDS = 10
const KILLS_IN_A_ROUND = 5
const SUBJECTS = 30

const environment = (url: string) => ({
  ...noMediaServer,
  ...webhookEnvironment,
  DATABASE_URL: url
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

/** The lease of an instance that was killed while it delivered ends after 30 s. */
const DELIVERS_AGAIN_WITHIN_MS = 60_000
const DELIVERED_IN_A_ROUND = 40

/** Shown when deliveries do not go on. */
const ENDPOINTS = `select e.position, h.position as newest, stop_attempt, next_attempt_at - clock_timestamp() as next_in, holder,
  lease_until - clock_timestamp() as leased_for, enabled from webhook_endpoints e, event_head h`

/** Each round begins in the middle of deliveries. */
const killAll = Effect.fnUntraced(function* (
  instances: ReadonlyArray<RunningService>,
  db: Effect.Success<ReturnType<typeof database>>,
  requests: () => number,
  rng: Rng
) {
  for (let round = 1; round <= ROUNDS; round++) {
    const before = requests()
    const delivers = () => requests() >= before + DELIVERED_IN_A_ROUND
    yield* until("webhooks are delivered again", delivers, DELIVERS_AGAIN_WITHIN_MS).pipe(
      Effect.tapCause(() => Effect.flatMap(db.query(ENDPOINTS), (rows) => Effect.sync(() => console.log(rows))))
    )
    for (let kill = 0; kill < KILLS_IN_A_ROUND; kill++) {
      const instance = instances[(round + kill) % instances.length]!
      yield* instance.kill
      if (kill === 1) {
        yield* db.kill
        yield* Effect.sleep(rng.below(500))
        yield* db.start
      }
      yield* instance.start
      yield* Effect.sleep(rng.below(800))
    }
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
        const witnesses = yield* eventWitnesses(instances, db, rng)

        const writing = yield* Effect.forkChild(write(instances, rng))
        yield* killAll(instances, db, witnesses.requests, rng)
        yield* Fiber.interrupt(writing)

        const { events, requests, complaints } = yield* witnesses.verdict
        assert.deepStrictEqual(complaints, [])
        assert.isAbove(events, 1_000)
        console.log(`${events} events, ${requests} requests to the receiver`)
      }).pipe(Effect.scoped),
    900_000
  )
})
