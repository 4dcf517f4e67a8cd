/**
 * What `place_events` notifies of, on a connection of its own, which is opened again when it is lost. Behind a pooler there is none: `LISTEN`
 * belongs to a connection, and a pooler gives that away. Readers then find new events by asking.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { makeConditions } from "@greenroom/core/internal"
import { Cause, Effect, Queue, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { messageIn } from "./MigrationFailed.ts"
import type { Names } from "./names.ts"
import type { Reach } from "./pooler.ts"

const CHANNEL = "greenroom_events"
const LISTEN_AGAIN = "1 second"

const LOST = "the database's notifications are not received: other instances' events are found by asking, every 250 ms"
const AGAIN = "the database's notifications are received again"

type Connection = Parameters<typeof PgClient.makeClient>[0]

/** Emits when a position was given in this schema, and after each time that listening has begun: something may have been missed before. */
export const notificationsOf = (
  connection: Connection,
  reach: Effect.Effect<Reach, SqlError>,
  names: Names
): Stream.Stream<string> =>
  Stream.callback<string>(
    Effect.fnUntraced(function* (queue) {
      const conditions = makeConditions()
      const listen = Effect.gen(function* () {
        if ((yield* reach) !== "none") return yield* Effect.never
        const client = yield* PgClient.makeClient({
          ...connection,
          applicationName: "greenroom-events",
          connectTimeout: "2 seconds",
          keepAlive: "10 seconds"
        })
        const received = yield* client.listen(CHANNEL)
        yield* conditions.set("event_notifications", false, AGAIN)
        Queue.offerUnsafe(queue, "")
        while (true) {
          const { payload } = yield* Queue.take(received)
          if (payload.startsWith(`${names.schema} `)) Queue.offerUnsafe(queue, payload)
        }
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
      const lost = (error: unknown) =>
        conditions.set("event_notifications", true, LOST, {
          annotations: { error: messageIn(error) }
        })
      // A defect, too: without this loop the instance would find other instances' events late for ever, and unseen.
      const guarded = Effect.catchCause(listen, (cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : lost(Cause.squash(cause))
      )
      yield* Effect.forever(Effect.andThen(guarded, Effect.sleep(LISTEN_AGAIN)))
    }),
    { bufferSize: 1, strategy: "sliding" }
  )
