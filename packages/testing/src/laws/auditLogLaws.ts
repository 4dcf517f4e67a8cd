/** The laws of `AuditLog`. */
import {
  type ApiTokenId,
  type AuditEntry,
  type AuditFilter,
  AuditLog,
  type BroadcasterId,
  Broadcasters,
  matchesAuditFilter,
  type NewAuditEntry,
  StreamKeys
} from "@greenroom/core"
import { Effect, Option } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, newId } from "../fixtures.ts"
import { BackDoor, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const anEntry = (more: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  actor: { _tag: "Secret" },
  claimedActor: null,
  action: "stream_key.change",
  resourceId: newId(),
  broadcasterId: null,
  before: { label: "before", metadata: { list: [1, null, "ü"] } },
  after: { label: null },
  outcome: "succeeded",
  reason: null,
  details: null,
  origin: { requestId: "request", address: "192.0.2.1", userAgent: "curl/8" },
  ...more
})

const whole = { limit: null, after: null }

const listed = (filter: AuditFilter) =>
  Effect.flatMap(AuditLog, (log) => Effect.map(log.list(filter, whole), ({ items }) => items))

const written = ({ id: _, at: __, resourceType: ___, ...entry }: AuditEntry): NewAuditEntry => entry

export const auditLogLaws = (store: StoreUnderTest) =>
  contract("AuditLog", store, (law) => {
    law(
      "an entry is listed as it was appended, of every actor and outcome",
      Effect.gen(function* () {
        const log = yield* AuditLog
        const broadcasterId = newId<BroadcasterId>()
        const entries = [
          anEntry({ broadcasterId, action: "stream_key.revoke" }),
          anEntry({
            broadcasterId,
            actor: { _tag: "Token", id: newId<ApiTokenId>(), name: "wall" },
            outcome: "refused",
            reason: "conflict"
          }),
          anEntry({
            broadcasterId,
            actor: { _tag: "Application", name: null },
            before: null,
            after: null,
            resourceId: null
          }),
          anEntry({
            broadcasterId,
            actor: { _tag: "Unknown" },
            outcome: "failed",
            origin: { requestId: null, address: null, userAgent: null }
          }),
          anEntry({ broadcasterId, action: "user.login", claimedActor: "ada@example.com", details: { from: "sso" } })
        ]
        for (const entry of entries) {
          yield* log.append(entry)
          yield* elapse(2)
        }
        const found = yield* listed({ broadcasterId })
        assert.deepStrictEqual(plain(found.map(written)), plain([...entries].reverse()))
        assert.deepStrictEqual(
          found.map(({ resourceType }) => resourceType),
          ["user", "stream_key", "stream_key", "stream_key", "stream_key"]
        )
      })
    )

    law(
      "a change and its entry are there together",
      Effect.gen(function* () {
        const [log, keys] = [yield* AuditLog, yield* StreamKeys]
        const { id } = yield* aKey()
        const outcome = yield* log.recording(keys.revoke(id), (revoked) =>
          anEntry({ resourceId: Option.getOrThrow(revoked).key.id })
        )
        assert.isNotNull(Option.getOrThrow(outcome).key.revokedAt)
        assert.isNotNull(Option.getOrThrow(yield* keys.find(id)).key.revokedAt)
        assert.strictEqual((yield* listed({ resourceId: id })).length, 1)
      })
    )

    law(
      "an outcome without an entry leaves none, and a change that fails neither writes one nor hides its failure",
      Effect.gen(function* () {
        const [log, broadcasters] = [yield* AuditLog, yield* Broadcasters]
        const { id } = yield* aBroadcaster()
        yield* log.recording(broadcasters.find(id), () => null)
        const failed = yield* Effect.flip(
          log.recording(Effect.fail("refused" as const), () => anEntry({ resourceId: id }))
        )
        assert.strictEqual(failed, "refused")
        const died = yield* Effect.exit(log.recording(Effect.die("broken"), () => anEntry({ resourceId: id })))
        assert.strictEqual(died._tag, "Failure")
        assert.strictEqual((yield* listed({ resourceId: id })).length, 0)
      })
    )

    law(
      "changes that run at once each have their entry",
      Effect.gen(function* () {
        const [log, broadcasters] = [yield* AuditLog, yield* Broadcasters]
        const broadcasterId = newId<BroadcasterId>()
        const ids = Array.from({ length: 12 }, () => newId<BroadcasterId>())
        yield* Effect.forEach(
          ids,
          (id) =>
            log.recording(broadcasters.create(id, { displayName: "Studio", contact: null, metadata: {} }), (made) =>
              anEntry({ broadcasterId, resourceId: made.id })
            ),
          { concurrency: 4, discard: true }
        )
        const found = yield* listed({ broadcasterId })
        assert.deepStrictEqual(found.map(({ resourceId }) => resourceId).sort(), [...ids].sort())
      })
    )

    law(
      "each filter means what the domain says, and the count is that of the list",
      Effect.gen(function* () {
        const log = yield* AuditLog
        const broadcasterId = newId<BroadcasterId>()
        const token = { _tag: "Token", id: newId<ApiTokenId>(), name: "wall" } as const
        const entries = [
          anEntry({ broadcasterId }),
          anEntry({ broadcasterId, actor: token, action: "stream.stop", outcome: "refused" }),
          anEntry({
            broadcasterId,
            actor: { _tag: "Application", name: "studio" },
            action: "user.login",
            claimedActor: "ada"
          }),
          anEntry({
            broadcasterId,
            actor: { _tag: "Unknown" },
            action: "api.authenticate",
            outcome: "refused",
            resourceId: null
          })
        ]
        for (const entry of entries) {
          yield* log.append(entry)
          yield* elapse(3)
        }
        const all = yield* listed({ broadcasterId })
        const middle = all[1]!.at
        const filters: ReadonlyArray<AuditFilter> = [
          {},
          ...["secret", "token", token.id, "wall", "ada", "studio", "nobody"].map((actor) => ({ actor })),
          { actions: ["stream.stop"] },
          { actions: ["stream.stop", "user.login"] },
          { resourceType: "stream_key" },
          { resourceId: entries[0]!.resourceId! },
          { outcome: "refused" },
          { from: middle },
          { to: middle },
          { from: middle, to: middle },
          { outcome: "refused", actor: "token" }
        ]
        for (const filter of filters) {
          const found = yield* listed({ ...filter, broadcasterId })
          const expected = all.filter((entry) => matchesAuditFilter(entry, filter))
          assert.deepStrictEqual(
            found.map(({ id }) => id),
            expected.map(({ id }) => id),
            JSON.stringify(filter)
          )
          assert.strictEqual(yield* log.count({ ...filter, broadcasterId }), expected.length)
        }
      })
    )

    law(
      "pages neither skip nor repeat an entry, not even of one millisecond",
      Effect.gen(function* () {
        const log = yield* AuditLog
        const broadcasterId = newId<BroadcasterId>()
        for (let index = 0; index < 7; index++) yield* log.append(anEntry({ broadcasterId, resourceId: `${index}` }))
        const seen: Array<string | null> = []
        let after: Parameters<typeof log.list>[1]["after"] = null
        do {
          const page: Effect.Success<ReturnType<typeof log.list>> = yield* log.list(
            { broadcasterId },
            { limit: 3, after }
          )
          seen.push(...page.items.map(({ resourceId }) => resourceId))
          after = page.next
        } while (after !== null)
        assert.deepStrictEqual(seen, ["6", "5", "4", "3", "2", "1", "0"])
      })
    )

    law(
      "pruning deletes what is older, at most so many, the oldest first",
      Effect.gen(function* () {
        const log = yield* AuditLog
        const { age } = yield* BackDoor
        while ((yield* log.prune(1, 1_000)) > 0);
        const broadcasterId = newId<BroadcasterId>()
        for (let index = 0; index < 5; index++) yield* log.append(anEntry({ broadcasterId, resourceId: `${index}` }))
        const earlier = yield* log.count({})
        yield* age(3)
        yield* log.append(anEntry({ broadcasterId, resourceId: "new" }))
        assert.strictEqual(yield* log.prune(4, 100), 0)
        assert.strictEqual(yield* log.prune(2, earlier - 2), earlier - 2)
        assert.deepStrictEqual(
          (yield* listed({ broadcasterId })).map(({ resourceId }) => resourceId),
          ["new", "4", "3"]
        )
        assert.strictEqual(yield* log.prune(2, 100), 2)
        assert.deepStrictEqual(
          (yield* listed({ broadcasterId })).map(({ resourceId }) => resourceId),
          ["new"]
        )
      })
    )
  })
