/** All workers together: places, outputs that are taken, and intruders on them, over random worlds that go on for a while. */
import { assert, describe, it } from "@effect/vitest"
import type { MediaServerSnapshot, PipelineId, StoredSession, StreamKeyId } from "@greenroom/core"
import { Arbitrary } from "effect"
import { type PipelineView, pipelineView, planWorkers } from "../../src/domain/workers/planWorkers.ts"
import { stepWorker } from "../../src/domain/workers/workerMachine.ts"
import { ownSource, streamOf } from "../../src/domain/workers/workerSource.ts"
import { ATTEMPTS, holdsPlace, type Worker } from "../../src/domain/workers/workerState.ts"
import { at, boolean, cases, element, integer, keyId, streamId } from "../support/arbitraries.ts"

const pipeline = (n: number) => `p${n}` as PipelineId

const rounds = Arbitrary.array(
  Arbitrary.all({
    /** Each pipeline's source: none, or its first or second. */
    sources: Arbitrary.array(element([0, 1, 1, 2]), { minLength: 6, maxLength: 6 }),
    /** Whether each output is held: by nobody, by the worker's own key, by another's. */
    outputs: Arbitrary.array(element(["no", "no", "own", "own", "other"]), { minLength: 6, maxLength: 6 }),
    /** Whose processes end afterwards. */
    ended: Arbitrary.array(boolean, { minLength: 6, maxLength: 6 }),
    pause: element([0, 250, 1_000, 5_000, 20_000])
  }),
  { maxLength: 12 }
)

describe("all workers together", () => {
  it.prop(
    "are never more than may be, start on free outputs only, and leave no place empty that somebody waits for",
    [rounds, integer(0, 6)],
    ([history, max]) => {
      let workers: ReadonlyMap<PipelineId, Worker> = new Map()
      let now = 0
      for (const { sources, outputs, ended, pause } of history) {
        const keys = new Map<PipelineId, StreamKeyId>()
        for (const [id, worker] of workers) if (worker.process === "up") keys.set(id, keyId(Number(id.slice(1))))
        const view: PipelineView = {
          sources: new Map(sources.flatMap((s, n) => (s === 0 ? [] : [[pipeline(n), streamId(10 * n + s)] as const]))),
          outputs: outputs.flatMap((held, n) =>
            held === "no"
              ? []
              : [
                  {
                    id: pipeline(n),
                    streamId: streamId(100 + n),
                    streamKeyId: held === "own" ? keyId(n) : keyId(1_000),
                    ready: true,
                    stopping: false
                  }
                ]
          )
        }
        const plan = planWorkers(workers, view, keys, max, now)
        const after = [...plan.workers.values()]
        assert.isAtMost(after.filter(holdsPlace).length, Math.max(max, [...workers.values()].filter(holdsPlace).length))
        for (const id of plan.starts) {
          assert.isTrue(view.sources.has(id))
          assert.isFalse(view.outputs.some((output) => output.id === id))
        }
        const full = after.filter(({ phase }) => phase._tag === "Idle" && phase.why === "full")
        if (full.length > 0) assert.isAtLeast(after.filter(holdsPlace).length, max)
        for (const output of view.outputs) {
          assert.strictEqual(plan.intruders.includes(output), keys.get(output.id) !== output.streamKeyId)
        }
        for (const [id, worker] of plan.workers) {
          if (!view.sources.has(id)) assert.notStrictEqual(worker.process, "up")
        }
        workers = new Map(
          [...plan.workers].map(([id, worker], n) => [
            id,
            ended[n % ended.length] ? stepWorker(worker, { _tag: "Ended", reason: "" }, now).worker : worker
          ])
        )
        now += pause
      }
    },
    cases(1_000)
  )

  it("start first who has waited longest", () => {
    const sources = new Map([1, 2, 3].map((n) => [pipeline(n), streamId(n)]))
    const first = planWorkers(new Map(), { sources, outputs: [] }, new Map(), 1, 0)
    assert.deepStrictEqual(first.starts, [pipeline(1)])
    assert.deepStrictEqual(
      [...first.workers.values()].map(({ phase }) => (phase._tag === "Idle" ? phase.why : phase._tag)),
      ["Connecting", "full", "full"]
    )
    sources.delete(pipeline(1))
    sources.set(pipeline(4), streamId(4))
    const second = planWorkers(first.workers, { sources, outputs: [] }, new Map(), 1, 1_000)
    assert.deepStrictEqual([second.stops, second.starts], [[pipeline(1)], []])
    const gone = new Map(second.workers).set(
      pipeline(1),
      stepWorker(second.workers.get(pipeline(1))!, { _tag: "Ended", reason: "" }, 1_100).worker
    )
    assert.deepStrictEqual(planWorkers(gone, { sources, outputs: [] }, new Map(), 1, 1_100).starts, [pipeline(2)])
  })
})

describe("a place that is free", () => {
  const view = (...sources: ReadonlyArray<readonly [number, number]>) => ({
    sources: new Map(sources.map(([n, source]) => [pipeline(n), streamId(source)])),
    outputs: []
  })
  const fail = (worker: Worker, now: number) =>
    Array.from({ length: ATTEMPTS }).reduce<Worker>((one) => {
      const retrying = one.phase._tag === "Retrying" ? one.phase.due : now
      const granted = stepWorker(one, { _tag: "Granted" }, retrying).worker
      return stepWorker(granted, { _tag: "Ended", reason: "" }, retrying).worker
    }, worker)

  it("is not for one that failed and has a new source, while others have waited longer", () => {
    const idle = planWorkers(new Map(), view([1, 1]), new Map(), 0, 0).workers.get(pipeline(1))!
    const before = new Map([[pipeline(1), fail(idle, 0)]])
    assert.strictEqual(before.get(pipeline(1))!.phase._tag, "Failed")
    const two = planWorkers(before, view([1, 1], [2, 2], [3, 3]), new Map(), 1, 20_000)
    assert.deepStrictEqual(two.starts, [pipeline(2)])
    const three = planWorkers(two.workers, view([1, 4], [2, 2], [3, 3]), new Map(), 2, 21_000)
    assert.deepStrictEqual(three.starts, [pipeline(3)])
  })
})

describe("a place that was had", () => {
  it("stays with a pipeline whose source is taken over, however long others have waited", () => {
    const look = (source: number) => ({
      sources: new Map([1, 2].map((n) => [pipeline(n), streamId(n === 1 ? source : n)])),
      outputs: []
    })
    const first = planWorkers(new Map(), look(1), new Map(), 1, 0)
    const second = planWorkers(first.workers, look(3), new Map(), 1, 5_000)
    assert.deepStrictEqual([second.stops, second.starts], [[pipeline(1)], []])
    const ended = stepWorker(second.workers.get(pipeline(1))!, { _tag: "Ended", reason: "" }, 5_100).worker
    const third = planWorkers(new Map(second.workers).set(pipeline(1), ended), look(3), new Map(), 1, 5_100)
    assert.deepStrictEqual(third.starts, [pipeline(1)])
  })
})

describe("what a look says of pipelines", () => {
  const session = (n: number, path: string, more: Partial<StoredSession> = {}): StoredSession => ({
    streamId: streamId(n),
    streamKeyId: keyId(n),
    path,
    source: { protocol: "rtmp", id: `source-${n}` },
    state: { _tag: "Connecting", startedAt: at(0), ending: null },
    ...more
  })
  const lookOf = (...paths: ReadonlyArray<readonly [string, string, boolean]>): MediaServerSnapshot => ({
    started: "now",
    sources: [],
    paths: paths.map(([name, sourceId, ready]) => ({
      name,
      ready,
      sourceId,
      sourceType: "rtmpConn",
      observation: { tracks: [], viewerCount: 0, inboundBytes: 0 }
    })),
    ownPaths: [],
    readers: []
  })
  const ending = { reason: "superseded", requestedAt: at(0), kickedAt: null } as const

  it("a source is one that is ready on its path and is not being taken off", () => {
    const old = session(1, "live/a/in", { state: { _tag: "Connecting", startedAt: at(0), ending } })
    const sessions = [
      old,
      session(2, "live/a/in"),
      session(3, "live/b/in"),
      session(4, "live/c"),
      session(5, "live/d/in")
    ]
    const look = lookOf(
      ["live/a/in", "source-2", true],
      ["live/b/in", "source-3", false],
      ["live/c", "source-4", true],
      ["live/d/in", "somebody else", true]
    )
    assert.deepStrictEqual([...pipelineView(look, sessions).sources], [["a" as PipelineId, streamId(2)]])
    assert.strictEqual(pipelineView(lookOf(["live/a/in", "source-1", true]), sessions).sources.size, 0)
  })

  it("a source of the media server's own on a pipeline's input counts, unless a publisher is there; each time it comes up it is another", () => {
    const look = {
      ...lookOf(["live/b/in", "source-2", true]),
      ownPaths: [
        { name: "live/a/in", since: "1" },
        { name: "live/b/in", since: "1" },
        { name: "live/c/out", since: "1" },
        { name: "cameras/d", since: "1" }
      ]
    }
    const { sources } = pipelineView(look, [session(2, "live/b/in")])
    assert.deepStrictEqual(
      [...sources],
      [
        ["a" as PipelineId, ownSource("1")],
        ["b" as PipelineId, streamId(2)]
      ]
    )
    const first = planWorkers(new Map(), { sources, outputs: [] }, new Map(), 9, 0)
    assert.deepStrictEqual([...first.starts].sort(), ["a", "b"])
    const again = { sources: new Map(sources).set("a" as PipelineId, ownSource("2")), outputs: [] }
    assert.deepStrictEqual(planWorkers(first.workers, again, new Map(), 9, 1).stops, ["a" as PipelineId])
    assert.deepStrictEqual([streamOf(ownSource("1")), streamOf(streamId(2))], [null, streamId(2)])
  })

  it("an output is taken from its admission until its session has ended", () => {
    const sessions = [
      session(1, "live/a/out"),
      session(2, "live/b/out", { state: { _tag: "Connecting", startedAt: at(0), ending } })
    ]
    const { outputs } = pipelineView(lookOf(["live/a/out", "source-1", true]), sessions)
    assert.deepStrictEqual(
      outputs.map(({ id, ready, stopping }) => [id, ready, stopping]),
      [
        ["a" as PipelineId, true, false],
        ["b" as PipelineId, false, true]
      ]
    )
  })
})
