import { assert, describe, it } from "@effect/vitest"
import { type Protocol, protocols, type ViewerProtocol } from "@greenroom/core"
import { Schema } from "effect"
import { World } from "../src/index.ts"
import { listOf, pathsOf, stateOf } from "../src/view.ts"

const options: World.WorldOptions = { ...World.defaultOptions, denialDelay: 3_000 }

const client = (
  id: string,
  protocol: Protocol,
  path = "live/a",
  more: Partial<World.NewConnection> = {}
): World.NewConnection => ({ id, protocol, path, action: "publish", query: "", user: "", tracks: [], ...more })

const admitted = (
  world: World.World,
  now: number,
  id: string,
  protocol: Protocol,
  path?: string,
  more?: Partial<World.NewConnection>
) => World.answer(World.connect(world, now, client(id, protocol, path, more)), now, id, true)

const listed = (world: World.World, id: string) => world.connections.get(id)
const onPath = (world: World.World, path = "live/a") => World.publisherOf(world, path)?.id

describe("World: from auth to ready", () => {
  for (const [protocol, after] of [
    ["rtmp", 2_000],
    ["rtmps", 2_000],
    ["rtsp", 2],
    ["srt", 500],
    ["webrtc", 100]
  ] as const) {
    it(`${protocol} is on its path ${after} ms after its admission, and not before`, () => {
      const world = admitted(World.begin(0, options), 1_000, "p", protocol)
      assert.strictEqual(World.nextDue(world), 1_000 + after)
      assert.isUndefined(onPath(World.advance(world, 999 + after)))
      assert.strictEqual(onPath(World.advance(world, 1_000 + after)), "p")
    })
  }

  it("who is refused is idle in its list for a while, then gone", () => {
    const asked = World.connect(World.begin(0, options), 0, client("p", "rtmp"))
    const refused = World.answer(asked, 0, "p", false)
    assert.strictEqual(stateOf(listed(World.advance(refused, 2_999), "p")!, options.facts), "idle")
    assert.isUndefined(listed(World.advance(refused, 3_000), "p"))
  })

  it("an answer for a client that left meanwhile changes nothing", () => {
    const left = World.close(World.connect(World.begin(0, options), 0, client("p", "rtmp")), 1, "p", "left")
    assert.strictEqual(World.answer(left, 2, "p", true), left)
  })

  it("a handshake that is never finished ends after the read timeout, an RTSP announcement never", () => {
    const stalled = { readyAfter: null }
    const world = admitted(
      admitted(World.begin(0, options), 0, "rtmp", "rtmp", "live/a", stalled),
      0,
      "rtsp",
      "rtsp",
      "live/b",
      stalled
    )
    const later = World.advance(world, 3_600_000)
    assert.deepStrictEqual([...later.connections.keys()], ["rtsp"])
    assert.strictEqual(onPath(World.advance(World.record(later, 3_600_000, "rtsp"), 3_600_002), "live/b"), "rtsp")
  })
})

describe("World: leaving", () => {
  const live = (protocol: Protocol) => World.advance(admitted(World.begin(0, options), 0, "p", protocol), 5_000)

  for (const protocol of ["rtmp", "rtsp"] as const) {
    it(`a killed ${protocol} client is gone at once`, () => {
      assert.isUndefined(listed(World.kill(live(protocol), 5_000, "p"), "p"))
    })
  }

  for (const protocol of ["srt", "webrtc"] as const) {
    it(`a killed ${protocol} client stays listed and ready for the read timeout`, () => {
      const killed = World.kill(live(protocol), 5_000, "p")
      assert.strictEqual(onPath(World.advance(killed, 8_999)), "p")
      const gone = World.advance(killed, 9_000)
      assert.isUndefined(listed(gone, "p"))
      assert.isUndefined(onPath(gone))
    })
  }

  it("a frozen client that thaws in time stays", () => {
    const thawed = World.thaw(World.advance(World.freeze(live("rtmp"), 5_000, "p"), 8_999), 8_999, "p")
    assert.strictEqual(onPath(World.advance(thawed, 60_000)), "p")
  })

  it("PAUSE takes an RTSP publisher off its path and keeps it listed; RECORD brings it back under its id", () => {
    const paused = World.pause(live("rtsp"), 5_000, "p")
    assert.isUndefined(onPath(paused))
    assert.strictEqual(stateOf(listed(World.advance(paused, 900_000), "p")!, options.facts), "idle")
    assert.strictEqual(onPath(World.advance(World.record(paused, 6_000, "p"), 6_002)), "p")
  })

  it("readers go when what they read goes", () => {
    const reader = client("r", "srt", "live/a", { action: "read" })
    const read = World.answer(World.connect(live("rtmp"), 5_000, reader), 5_000, "r", true)
    assert.strictEqual(pathsOf(read)[0]?.readers.length, 1)
    assert.isUndefined(listed(World.close(read, 6_000, "p", "left"), "r"))
  })

  it("a restart leaves nobody, sends no hook, and has another `started`, also within the same millisecond", () => {
    const world = { ...live("rtmp"), happened: [] }
    const restarted = World.start(World.stop(world, 5_000), 5_000)
    const again = World.start(World.stop(restarted, 5_000), 5_000)
    assert.strictEqual(restarted.connections.size, 0)
    assert.deepStrictEqual(
      restarted.happened.map(({ _tag }) => _tag),
      ["Closed"]
    )
    assert.strictEqual(new Set([world.started, restarted.started, again.started]).size, 3)
  })
})

describe("World: viewers", () => {
  const live = World.advance(admitted(World.begin(0, options), 0, "p", "rtsp"), 2)
  const viewer = (id: string, protocol: ViewerProtocol): World.NewConnection => ({
    ...client(id, "srt", "live/a", { action: "read" }),
    protocol
  })
  const watched = (protocol: ViewerProtocol, now = 5_000, world = live) =>
    World.answer(World.connect(world, now, viewer("v", protocol)), now, "v", true)
  const readers = (world: World.World) => World.readersOf(world, "live/a").map(({ id }) => id)

  it("an HLS session goes 30 to 40 s after its last request, whether the player left or was killed", () => {
    for (const leave of [World.leave, World.kill, World.freeze]) {
      for (let silent = 5_000; silent < 25_000; silent += 1_234) {
        const left = leave(World.advance(watched("hls"), silent), silent, "v")
        assert.deepStrictEqual(readers(World.advance(left, silent + 29_999)), ["v"])
        assert.deepStrictEqual(readers(World.advance(left, silent + 40_000)), [])
      }
    }
    const asking = World.advance(watched("hls"), 900_000)
    assert.deepStrictEqual(readers(asking), ["v"])
    const late = World.thaw(World.freeze(asking, 900_000, "v"), 929_000, "v")
    assert.deepStrictEqual(readers(World.advance(late, 990_000)), ["v"])
  })

  it("an HLS session is listed from its admission on, and another one than its first when that was refused", () => {
    const asking = World.connect(live, 5_000, { ...viewer("first", "hls"), connectionId: "second" })
    assert.lengthOf(listOf(asking, "hls"), 0)
    const let1 = World.answer(asking, 5_001, "first", true, { user: "", id: "first" })
    assert.deepStrictEqual(readers(let1), ["first"])
    const let2 = World.answer(asking, 5_001, "first", true, { user: "bob", id: "second" })
    assert.deepStrictEqual(
      listOf(let2, "hls").map(({ id, user }) => [id, user]),
      [["second", "bob"]]
    )
    assert.lengthOf(listOf(World.answer(asking, 5_001, "first", false), "hls"), 0)
  })

  it("killed ones over TCP go at once, those over SRT after the read timeout", () => {
    for (const protocol of ["rtmp", "rtmps", "rtsp", "rtsps"] as const) {
      assert.deepStrictEqual(readers(World.kill(watched(protocol), 6_000, "v")), [])
    }
    const killed = World.kill(watched("srt"), 6_000, "v")
    assert.deepStrictEqual(readers(World.advance(killed, 9_999)), ["v"])
    assert.deepStrictEqual(readers(World.advance(killed, 10_000)), [])
    assert.deepStrictEqual(readers(World.leave(watched("srt"), 6_000, "v")), [])
  })

  it("watch what the server pulls, too, and nothing where there is no source", () => {
    const empty = World.begin(0, options)
    assert.deepStrictEqual(readers(watched("webrtc", 5_000, empty)), [])
    assert.deepStrictEqual(readers(watched("webrtc", 5_000, World.setOwnSource(empty, "live/a", "pulled"))), ["v"])
    assert.deepStrictEqual(readers(watched("webrtc", 5_000, World.setOwnSource(empty, "live/a", "on demand"))), [])
  })
})

describe("World: two on one path", () => {
  const second = (override: boolean) =>
    World.advance(
      admitted(
        World.advance(admitted(World.begin(0, { ...options, overridePublisher: override }), 0, "1", "rtsp"), 10),
        10,
        "2",
        "rtsp"
      ),
      20
    )

  it("the newcomer evicts who is there, when publishers may be overridden", () => {
    assert.deepStrictEqual([...second(true).connections.keys()], ["2"])
    assert.strictEqual(onPath(second(true)), "2")
  })

  it("the newcomer has to go, when they may not", () => {
    assert.deepStrictEqual([...second(false).connections.keys()], ["1"])
  })
})

describe("World: the publisher that no list shows", () => {
  const kicked = World.kick(admitted(World.begin(0, options), 0, "p", "rtsp"), 1, "p")
  const zombie = World.advance(kicked, 10)

  it("appears when an RTSP session is kicked between ANNOUNCE and a RECORD on its way, and no kick reaches it", () => {
    assert.isUndefined(listed(zombie, "p"))
    assert.strictEqual(onPath(zombie), "p")
    assert.strictEqual(World.kick(zombie, 20, "p"), zombie)
    assert.strictEqual(onPath(World.advance(zombie, 3_600_000)), "p")
  })

  it("does not appear when nothing is on its way", () => {
    const stalled = admitted(World.begin(0, options), 0, "p", "rtsp", "live/a", { readyAfter: null })
    assert.isUndefined(onPath(World.advance(World.kick(stalled, 1, "p"), 10_000)))
  })

  it("goes with a configuration of its path, and does not take the neighbours along", () => {
    const world = World.advance(admitted(zombie, 20, "n", "rtsp", "live/n"), 100)
    const cured = World.configure(world, 100, "live/a", 7)
    assert.isNotFalse(cured)
    assert.isUndefined(onPath(cured))
    assert.strictEqual(onPath(cured, "live/n"), "n")
    const cleaned = World.deconfigure(cured, 100, "live/a")
    assert.deepStrictEqual(cleaned && pathsOf(cleaned).map(({ name }) => name), ["live/n"])
  })
})

const Step = Schema.Struct({
  kind: Schema.Literals([
    "connect",
    "allow",
    "deny",
    "advance",
    "drop",
    "kill",
    "freeze",
    "thaw",
    "pause",
    "record",
    "kick",
    "configure",
    "deconfigure",
    "restart"
  ]),
  who: Schema.Literals(["a", "b", "c", "d", "e"]),
  path: Schema.Literals(["live/1", "live/2"]),
  protocol: Schema.Literals(["rtmp", "rtsp", "srt", "webrtc"]),
  by: Schema.Literals([0, 1, 2, 99, 500, 2_000, 4_000])
})

const take = (world: World.World, now: number, step: typeof Step.Type, serial: number): World.World => {
  const id = [...world.connections.keys()].find((key) => key.startsWith(step.who)) ?? `${step.who}?`
  switch (step.kind) {
    case "connect":
      return World.connect(world, now, client(`${step.who}${serial}`, step.protocol, step.path))
    case "allow":
    case "deny":
      return World.answer(world, now, id, step.kind === "allow")
    case "advance":
      return world
    case "drop":
      return World.close(world, now, id, "left")
    case "configure":
      return World.configure(world, now, step.path, 5) || world
    case "deconfigure":
      return World.deconfigure(world, now, step.path) || world
    case "restart":
      return World.start(World.stop(world, now), now)
    default:
      return World[step.kind](world, now, id)
  }
}

describe("World: whatever happens", () => {
  it.prop(
    "one publisher a path; ready and not ready alternate; time leaves nothing undone; a look shows what is there",
    [Schema.Array(Step)],
    ([steps]) => {
      let world = World.begin(0, options)
      let now = 0
      const ready = new Map<string, boolean>()
      for (const [serial, step] of steps.entries()) {
        now += step.by
        world = take(World.advance(world, now), now, step, serial)
        const restarted = step.kind === "restart"
        for (const happening of world.happened) {
          if (happening._tag === "Closed") continue
          const { path } = happening.connection
          assert.strictEqual(ready.get(path) ?? false, happening._tag === "NotReady")
          ready.set(path, happening._tag === "Ready")
        }
        if (restarted) ready.clear()
        world = { ...world, happened: [] }
        const paths = World.publishers(world).map(({ path }) => path)
        assert.strictEqual(new Set(paths).size, paths.length)
        assert.deepStrictEqual(new Set(paths), new Set([...ready].filter(([, on]) => on).map(([path]) => path)))
        const due = World.nextDue(World.advance(world, now))
        assert.isTrue(due === null || due > now)
        assert.strictEqual(protocols.flatMap((protocol) => listOf(world, protocol)).length, world.connections.size)
        assert.deepStrictEqual(
          pathsOf(world)
            .flatMap(({ publisher }) => publisher?.id ?? [])
            .sort(),
          World.publishers(world)
            .map(({ id }) => id)
            .sort()
        )
      }
    },
    { arbitrary: { runs: 300, size: 60 } }
  )
})
