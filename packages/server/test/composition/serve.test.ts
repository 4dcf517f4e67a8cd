/** The life of the process, over its own PostgreSQL: starts, ends, refusals. What it serves is shown elsewhere. */
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { isAlive, until, useHome } from "./home.ts"

describe("the service's process", () => {
  const home = useHome(noMediaServer)
  const { start, secret, databasePid } = home

  const call = (url: string, route: string, init: { readonly method?: string; readonly body?: string } = {}) =>
    fetch(`${url}${route}`, {
      ...init,
      headers: { "x-api-key": secret(), "content-type": "application/json" }
    })

  it("says where everything is, keeps its secret to itself, and ends with 0 on SIGTERM", async () => {
    const service = start()
    const url = await service.ready
    assert.match(service.out(), /Greenroom is ready after \d/)
    assert.include(service.out(), path.join(home.directory(), "data", "api-secret"))
    assert.notInclude(service.out() + service.err(), secret())
    const health = await (await fetch(`${url}/health`)).json()
    assert.deepStrictEqual(health, {
      status: "degraded",
      service: "greenroom",
      database: "ok",
      media_server: "unreachable",
      unauthorized_publishers: null,
      warnings: []
    })
    const database = databasePid()
    service.child.kill("SIGTERM")
    assert.strictEqual(await service.ended, 0)
    assert.isFalse(isAlive(database))
    for (const line of service.err().trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line), line)
  })

  it("keeps what was acknowledged through kill -9, and the same secret", async () => {
    const first = start()
    const made = await call(await first.ready, "/broadcasters", {
      method: "POST",
      body: JSON.stringify({ display_name: "Studio One" })
    })
    assert.strictEqual(made.status, 201)
    const before = secret()
    first.child.kill("SIGKILL")
    await first.ended
    const again = start()
    const listed = (await (await call(await again.ready, "/broadcasters")).json()) as {
      readonly broadcasters: ReadonlyArray<{ readonly display_name: string }>
    }
    assert.deepStrictEqual(
      listed.broadcasters.map((one) => one.display_name),
      ["Studio One"]
    )
    assert.strictEqual(secret(), before)
  })

  /** A request whose body is half sent: open for as long as we like. */
  const halfRequest = async (url: string) => {
    const { hostname, port } = new URL(url)
    const body = JSON.stringify({ display_name: "Half Sent" })
    const socket = net.connect(Number(port), hostname)
    await once(socket, "connect")
    socket.on("error", () => undefined)
    let answer = ""
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text
    })
    socket.write(
      `POST /broadcasters HTTP/1.1\r\nhost: x\r\nx-api-key: ${secret()}\r\ncontent-type: application/json\r\n` +
        `connection: close\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`
    )
    await until(() => answer.includes("100 Continue"), "the request is being handled")
    socket.write(body.slice(0, 10))
    return { finish: () => socket.write(body.slice(10)), closed: once(socket, "close"), answer: () => answer }
  }

  /** It has taken note of the signal. */
  const nobodyIsLetIn = (url: string) => {
    const refused = () =>
      fetch(`${url}/livez`).then(
        () => false,
        () => true
      )
    return until(refused, "nobody new is let in")
  }

  it("finishes an open request after SIGTERM, and lets nobody new in meanwhile", async () => {
    const service = start()
    const url = await service.ready
    const request = await halfRequest(url)
    service.child.kill("SIGTERM")
    await nobodyIsLetIn(url)
    request.finish()
    await request.closed
    assert.match(request.answer(), /^HTTP\/1\.1 201 /m)
    assert.strictEqual(await service.ended, 0)
  })

  it("stops at once on a second signal, and its database does not outlive it", async () => {
    const service = start()
    const database = databasePid.bind(null)
    const url = await service.ready
    const request = await halfRequest(url)
    const pid = database()
    service.child.kill("SIGINT")
    await nobodyIsLetIn(url)
    assert.isNull(service.child.exitCode, "it waits for the open request")
    service.child.kill("SIGINT")
    assert.strictEqual(await service.ended, 130)
    await request.closed
    await until(() => !isAlive(pid), "the database is gone")
  })

  it("refuses a data directory that another process has, and says which; the owner does not notice", async () => {
    const owner = start()
    const url = await owner.ready
    const second = start()
    assert.notStrictEqual(await second.ended, 0)
    assert.include(second.err(), String(owner.child.pid))
    assert.strictEqual(second.out(), "")
    assert.strictEqual((await fetch(`${url}/health`)).status, 200)
  })

  it("names every wrong variable and starts nothing", async () => {
    const service = start({ API_PORT: "eighty", LOG_LEVEL: "loud", HOOK_SECRET: "two\nlines" })
    assert.strictEqual(await service.ended, 78)
    assert.match(service.err(), /API_PORT: expected .*\n.*HOOK_SECRET: expected .*\n.*LOG_LEVEL: expected/s)
    assert.notInclude(service.err(), "two")
    assert.notInclude(service.err(), "    at ")
    assert.isFalse(fs.existsSync(path.join(home.directory(), "data")))
  })

  it("says in one sentence that its port is taken", async () => {
    const blocker = net.createServer().listen(0, "127.0.0.1")
    await once(blocker, "listening")
    const { port } = blocker.address() as net.AddressInfo
    const service = start({ API_PORT: String(port) })
    assert.notStrictEqual(await service.ended, 0)
    blocker.close()
    assert.include(service.err(), String(port))
    assert.notInclude(service.err(), "    at ")
  })

  it("does not start with a secret that can be guessed, and names its variable", async () => {
    const service = start({ API_SECRET: "hunter2hunter2", HOOK_SECRET: "short" })
    assert.strictEqual(await service.ended, 78)
    assert.match(service.err(), /API_SECRET: expected at least 16 characters\n +HOOK_SECRET: expected at least 16/)
    assert.notInclude(service.err(), "hunter2")
    assert.isFalse(fs.existsSync(path.join(home.directory(), "data")))
  })

  it("warns before it waits for anything", async () => {
    const service = start({
      DATABASE_URL: "postgres://greenroom@127.0.0.1:9/greenroom",
      API_SECRET: "0123456789abcdef",
      MEDIAMTX_API_URL: "http://127.0.0.1:9"
    })
    await until(() => service.err().includes("waiting for the database"), "it waits")
    const [warned, waits] = ["HOOK_SECRET is not set", "waiting for the database"].map((t) => service.err().indexOf(t))
    assert.isAtLeast(warned!, 0)
    assert.isBelow(warned!, waits!)
  })

  it("waits for a database that is not there yet, and ends on a signal meanwhile", async () => {
    const service = start({
      DATABASE_URL: "postgres://greenroom:hunter2hunter2@127.0.0.1:9/greenroom",
      API_SECRET: "0123456789abcdef"
    })
    await until(() => service.err().includes("127.0.0.1:9"), "it says what it waits for")
    service.child.kill("SIGTERM")
    assert.strictEqual(await service.ended, 0)
    assert.notInclude(service.err(), "hunter2")
  })
})
