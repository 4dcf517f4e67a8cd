import { expect, it } from "vitest"
import { quantile } from "./figures.ts"
import { aacUnits, h264Units, rtpPayload } from "./rtpUnits.ts"
import { delays, type Unit } from "./unitReader.ts"

const slice = Buffer.from([0x65, 1, 2, 3, 4, 5, 6, 7])
const parameters = Buffer.from([0x67, 9])

it("finds the same slice alone, among others in one packet, and in fragments", () => {
  expect(h264Units()(slice)).toEqual([slice])
  const sized = (unit: Buffer) => Buffer.concat([Buffer.from([0, unit.length]), unit])
  expect(h264Units()(Buffer.concat([Buffer.from([24]), sized(parameters), sized(slice)]))).toEqual([slice])
  const inFragments = h264Units()
  const fragment = (flags: number, ...bytes: ReadonlyArray<number>) => Buffer.from([0x7c, flags | 5, ...bytes])
  expect(inFragments(fragment(0, 1))).toEqual([])
  expect(inFragments(fragment(128, 1, 2, 3))).toEqual([])
  expect(inFragments(fragment(0, 4, 5))).toEqual([])
  expect(inFragments(fragment(64, 6, 7))).toEqual([slice])
  expect(h264Units()(parameters)).toEqual([])
})

it("finds the units of sound that a packet holds, whole ones alone", () => {
  const packet = Buffer.from([0, 32, 0, 2 << 3, 0, 3 << 3, 1, 2, 3, 4, 5])
  expect(aacUnits()(packet)).toEqual([Buffer.from([1, 2]), Buffer.from([3, 4, 5])])
  expect(aacUnits()(packet.subarray(0, 9))).toEqual([Buffer.from([1, 2])])
})

it("takes header, sources, extension and padding off an RTP packet", () => {
  const header = (first: number) => [first, 96, ...Array.from({ length: 10 }, () => 0)]
  const payload = Buffer.from([7, 8, 9])
  expect(rtpPayload(Buffer.from([...header(0x80), ...payload]))).toEqual(payload)
  expect(rtpPayload(Buffer.from([...header(0x81), 0, 0, 0, 1, ...payload]))).toEqual(payload)
  expect(rtpPayload(Buffer.from([...header(0x90), 0, 0, 0, 1, 0, 0, 0, 0, ...payload]))).toEqual(payload)
  expect(rtpPayload(Buffer.from([...header(0xa0), ...payload, 0, 2]))).toEqual(payload)
})

it("compares equal units that came once on each side", () => {
  const unit = (hash: string, at: number, kind: Unit["kind"] = "picture"): Unit => ({ kind, hash, at })
  const before = [unit("a", 10), unit("b", 20), unit("twice", 30), unit("twice", 40), unit("a", 50, "sound")]
  const after = [unit("b", 25), unit("a", 13), unit("twice", 31), unit("new", 60), unit("a", 59, "sound")]
  expect(delays(before, after)).toEqual([
    { kind: "picture", millis: 3 },
    { kind: "picture", millis: 5 },
    { kind: "sound", millis: 9 }
  ])
})

it("reads quantiles off sorted values", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
  expect([0, 0.5, 0.95, 1].map((share) => quantile(hundred, share))).toEqual([1, 50, 95, 100])
  expect(quantile([7], 0.95)).toBe(7)
})
