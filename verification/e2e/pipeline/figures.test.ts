/**
 * The live pipeline, measured: what `make local` runs, ffmpeg as encoder, the workers' own command. Each figure stands beside its promise in
 * the table at the end; nothing here fails because a machine is busy, but an event that never comes does.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { makeClip } from "../../worlds/ffmpegEncoder.ts"
import { missing } from "../../worlds/realMediaMtx.ts"
import { publish } from "../../worlds/rtspPublisher.ts"
import { encode, killAll } from "./encoder.ts"
import { makeFigures } from "./figures.ts"
import { hookRunTimes } from "./hookRunTimes.ts"
import { type LocalPipeline, startLocal, until } from "./localPipeline.ts"
import { delays, readUnits } from "./unitReader.ts"

const READ_FOR_MS = 10_000
const ASK_EVERY_MS = 50
const CONNECTS = 200
const AT_ONCE = 5
const MAX_WORKERS = 5

const figures = makeFigures()
const sleep = (millis: number) => new Promise((later) => setTimeout(later, millis))
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

let folder = ""
let clip = ""
let quietClip = ""
let local: LocalPipeline
let count = 0

const start = async (environment: Readonly<Record<string, string>>) => {
  local = await startLocal(environment)
  figures.add("`make local` started → up", "", 30_000, local.upAfter)
  expect(await until("it is healthy", async () => ((await local.health()) === 200 ? 200 : undefined))).toBe(200)
}

/** Publishes at `live/<id>/in`, and notes what it takes until its product is there. */
const bringUp = async (protocol: "rtmp" | "rtsp", of: string, outputWithin: number, shown = clip) => {
  const id = `s${++count}`
  const [input, output] = [`live/${id}/in`, `live/${id}/out`]
  const { ingest } = await local.key(id)
  const since = Date.now()
  const encoder = encode(shown, protocol, ingest[protocol])
  await local.workerLine("a worker runs", id, since)
  const worker = await local.workerLine("a worker starts", id, since)
  for (const each of [input, output]) {
    const { availableTime } = await local.pathItem(each)
    const { at } = await local.event("ready", each, since)
    figures.add("`availableTime` → Greenroom has the ready event", of, 1_000, at - Date.parse(availableTime))
    if (each === input)
      figures.add("`availableTime` → its worker starts", of, null, worker.at - Date.parse(availableTime))
    else
      figures.add(
        "worker starts → `availableTime` of its `out`",
        of,
        outputWithin,
        Date.parse(availableTime) - worker.at
      )
  }
  const { pid } = await local.worker(id)
  expect(isAlive(pid!)).toBe(true)
  return { id, input, output, encoder, pid: pid! }
}

type Up = Awaited<ReturnType<typeof bringUp>>

/** Ends the source with SIGKILL, and notes what it takes until everybody knows. */
const takeDown = async ({ id, input, output, encoder, pid }: Up, of: string) => {
  const since = Date.now()
  await encoder.kill()
  const { found } = await until("its process has gone", () => (isAlive(pid) ? undefined : { found: Date.now() }))
  figures.add("source killed → its worker's process has gone", of, 5_000, found - since)
  for (const each of [input, output]) {
    const end = await local.pathLine("end", each, since)
    const { at } = await local.event("not-ready", each, since)
    figures.add("the path's end → Greenroom has the not-ready event", of, 1_000, at - end.at)
  }
  const { at } = await local.workerLine("a worker stops", id, since)
  figures.add("source killed → Greenroom says that its worker stops", of, 5_000, at - since)
}

/** Reads sources and products side by side for a while. */
const compare = async (ups: ReadonlyArray<Up>, of: string) => {
  const port = local.ports.rtsp
  const pairs = await Promise.all(
    ups.map(async ({ input, output }) => [await readUnits(port, input), await readUnits(port, output)] as const)
  )
  await sleep(READ_FOR_MS)
  for (const [before, after] of pairs) {
    before.close()
    after.close()
    const found = delays(before.units, after.units)
    for (const kind of ["picture", "sound"] as const) {
      const millis = found.flatMap((each) => (each.kind === kind ? [each.millis] : []))
      // 30 pictures and 43 units of sound a second were sent.
      expect(millis.length).toBeGreaterThan((READ_FOR_MS / 1_000) * 10)
      figures.add(`latency added by the worker, ${kind}`, of, 500, ...millis)
    }
  }
}

/** Asks for it again and again while `meanwhile` goes on. */
const asking = async (of: string, promised: number | null, meanwhile: Promise<unknown>) => {
  let over = false
  const keepAsking = async (what: string, ask: () => Promise<unknown>) => {
    while (!over) {
      const began = performance.now()
      await ask()
      figures.add(what, of, promised, performance.now() - began)
      await sleep(ASK_EVERY_MS)
    }
  }
  const questions = [
    keepAsking("control API answers `/v3/paths/list`", () => local.control("/v3/paths/list")),
    keepAsking("`/metrics` of MediaMTX answers", () => local.metrics()),
    keepAsking("Greenroom answers `GET /workers`", () => local.call("GET", "/workers"))
  ]
  await meanwhile.finally(() => {
    over = true
  })
  await Promise.all(questions)
}

/** Connects 200 times, five at once; each stream stays until its ready event has come. */
const connects = async (of: string) => {
  const names = Array.from({ length: CONNECTS }, (_, index) => `connect-${index}`)
  const keys = new Map<string, string>()
  for (const name of names) keys.set(name, (await local.key(name)).key_value)
  const waiting = [...names]
  const since = Date.now()
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const input = `live/${name}/in`
      const publisher = await publish(local.ports.rtsp, input, `?token=${keys.get(name)}`)
      const ready = await local.event("ready", input, since)
      figures.add(
        "`stream is available` in MediaMTX's log → the ready event",
        of,
        1_000,
        ready.at - (await local.pathLine("begin", input, since)).at
      )
      await publisher.close()
      const gone = await local.event("not-ready", input, since)
      figures.add(
        "the path's end → Greenroom has the not-ready event",
        of,
        1_000,
        gone.at - (await local.pathLine("end", input, since)).at
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const events = (event: string) =>
    local.events().filter((line) => line.event === event && String(line.path).startsWith("live/connect-"))
  const sources = (event: string) => new Set(events(event).map(({ source_id }) => source_id))
  const lost = 2 * CONNECTS - sources("ready").size - sources("not-ready").size
  figures.count("hook events lost", of, "0", `${lost} of ${2 * CONNECTS}`)
  expect(lost).toBe(0)
  expect([events("ready").length, events("not-ready").length]).toEqual([CONNECTS, CONNECTS])
}

if (missing.length > 0) {
  console.warn(`The live pipeline: neither measured nor tried, no ${missing.join(" and no ")} in PATH`)
  describe("the pipeline", () => it.skip("measured", () => {}))
} else {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "greenroom-clip-"))
    clip = await Effect.runPromise(makeClip(folder, 30))
    quietClip = await Effect.runPromise(makeClip(folder, 30, "10k"))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    const table = `${figures.table()}\n\n${figures.machine()}\n`
    const reports = fileURLToPath(new URL("../../../reports/", import.meta.url))
    await mkdir(reports, { recursive: true })
    await writeFile(path.join(reports, "pipeline.md"), table)
    console.log(`\n${table}`)
  })

  const withPipeline = (name: string, environment: Readonly<Record<string, string>>, scenes: () => void) =>
    describe(name, () => {
      beforeAll(() => start(environment))
      afterEach(async ({ task }) => {
        await killAll()
        if (task.result?.state === "fail") console.log(local?.printed().slice(-8_000))
      })
      afterAll(async () => {
        await killAll()
        await local?.stop()
        expect(local?.printed() ?? "").not.toMatch(/sk_[\w-]{20}/)
      })
      scenes()
    })

  withPipeline("the pipeline", { MAX_WORKERS: String(MAX_WORKERS) }, () => {
    for (const protocol of ["rtmp", "rtsp"] as const) {
      it(`carries one stream over ${protocol}`, async () => {
        const of = `one stream, ${protocol.toUpperCase()}`
        for (let round = 0; round < 3; round++) {
          const up = await bringUp(protocol, of, 1_000)
          if (round === 0) await asking(of, 100, compare([up], of))
          await takeDown(up, of)
        }
      })

      it(`sees that a source over ${protocol} is silent`, async () => {
        const of = `one stream, ${protocol.toUpperCase()}`
        const { id, pid, encoder } = await bringUp(protocol, of, 1_000)
        const since = Date.now()
        encoder.freeze()
        const gone = await until("its process has gone", () => (isAlive(pid) ? undefined : Date.now()))
        figures.add("source frozen → its worker's process has gone", of, 5_000, gone - since)
        await local.workerLine("a worker stops", id, since)
      })
    }

    it("carries sound of few bits, of which many units make a packet", async () => {
      const of = "one stream, RTMP"
      const up = await bringUp("rtmp", of, 1_000, quietClip)
      await compare([up], `${of}, sound of 10 kb/s`)
      await takeDown(up, of)
    })

    it("carries five streams at once, and loses no event of 200 connects meanwhile", async () => {
      const five = "five streams at once, RTMP"
      const ups = await Promise.all(Array.from({ length: MAX_WORKERS }, () => bringUp("rtmp", five, 1_000)))
      await asking(five, 100, compare(ups, five))
      const busy = `${CONNECTS} connects beside five streams, RTSP`
      await asking(busy, null, connects(busy))
      for (const { pid } of ups) expect(isAlive(pid)).toBe(true)
      await Promise.all(ups.map((up) => takeDown(up, five)))
    })
  })

  const overRtmp = JSON.stringify(
    "ffmpeg -hide_banner -nostdin -loglevel error -rtsp_transport tcp -timeout 4000000 -analyzeduration 10000000 -fpsprobesize 0 -i {input} -c copy -f flv {rtmp_output}".split(
      " "
    )
  )

  withPipeline("the pipeline with workers that publish over RTMP", { WORKER_COMMAND: overRtmp }, () => {
    it("carries one stream", async () => {
      const of = "one stream, RTSP in, RTMP out"
      for (let round = 0; round < 3; round++) {
        const up = await bringUp("rtsp", of, 3_000)
        if (round === 0) await compare([up], of)
        await takeDown(up, of)
      }
    })
  })

  describe("mtx-hook", () => {
    it("runs", async () => {
      for (const { what, aim, millis } of await hookRunTimes()) figures.add("a run of `mtx-hook`", what, aim, ...millis)
    })
  })
}
