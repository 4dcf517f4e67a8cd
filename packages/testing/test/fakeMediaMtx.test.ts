/** The fake MediaMTX as a test without Effect uses it. */
import type { AuthQuestion } from "@greenroom/mediamtx-simulator"
import { type FakeMediaMtxOptions, fakeMediaMtx } from "@greenroom/testing"
import { afterEach, expect, it } from "vitest"

const KEY = `sk_${"k".repeat(43)}`
const started: Array<AsyncDisposable> = []

const start = async (options: FakeMediaMtxOptions = {}) => {
  const mtx = await fakeMediaMtx({ readyAfter: { rtmp: 5 }, ...options })
  started.push(mtx)
  return mtx
}

afterEach(async () => {
  for (const one of started.splice(0)) await one[Symbol.asyncDispose]()
})

const kick = (apiUrl: string, id: string) => fetch(`${apiUrl}/v3/rtmpconns/kick/${id}`, { method: "POST" })
const listed = async (apiUrl: string) =>
  ((await (await fetch(`${apiUrl}/v3/paths/list`)).json()) as { itemCount: number }).itemCount

it("a publisher is asked about with its key, is on the air, and leaves", async () => {
  const asked: Array<AuthQuestion> = []
  const auth = (question: AuthQuestion) => {
    asked.push(question)
    return question.action !== "publish" || question.password === KEY
  }
  const mtx = await start({ auth })
  const publisher = await mtx.publish({ protocol: "rtmp", path: "live/a", key: KEY })
  expect(publisher.admitted).toBe(true)
  expect(await publisher.ready).toBe(true)
  expect(asked.at(-1)).toMatchObject({
    action: "publish",
    path: "live/a",
    protocol: "rtmp",
    id: publisher.id,
    password: KEY
  })
  expect(await listed(mtx.apiUrl)).toBe(1)
  await publisher.unpublish()
  expect(await publisher.closed).toBe("left")
  expect(await listed(mtx.apiUrl)).toBe(0)
})

it("a kick through the control API is seen by the publisher, and is among the requests", async () => {
  const mtx = await start()
  const publisher = await mtx.publish({ protocol: "rtmp", path: "live/a", key: KEY })
  expect((await kick(mtx.apiUrl, publisher.id)).status).toBe(200)
  expect(await publisher.closed).toBe("kicked")
  expect((await mtx.requests()).map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST /v3/rtmpconns/kick/${publisher.id}`
  ])
})

it("a publisher that the auth function refuses, or that it fails on, is not admitted", async () => {
  for (const auth of [() => false, () => Promise.reject(new Error("broken"))]) {
    const mtx = await start({ auth, denialDelay: 1 })
    const publisher = await mtx.publish({ protocol: "srt", path: "live/a", key: KEY })
    expect(publisher.admitted).toBe(false)
    expect(await publisher.ready).toBe(false)
    expect(await publisher.closed).toBe("denied")
  }
})

it("over WebRTC the key is a bearer token", async () => {
  const tokens: Array<string> = []
  const mtx = await start({ auth: ({ token }) => tokens.push(token) > 0 })
  await mtx.publish({ protocol: "webrtc", path: "live/a", key: KEY })
  expect(tokens).toEqual([KEY])
})

it("two run at once, each on its port; a stopped one answers no more and has no publisher left", async () => {
  const [one, other] = [await start(), await start()]
  expect(one.apiUrl).not.toBe(other.apiUrl)
  const publisher = await one.publish({ protocol: "rtmp", path: "live/a" })
  await one.stop()
  expect(await publisher.closed).not.toBe("left")
  await expect(fetch(`${one.apiUrl}/v3/paths/list`)).rejects.toThrow()
  expect(await listed(other.apiUrl)).toBe(0)
})
