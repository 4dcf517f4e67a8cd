/**
 * Decoders of the two lists that a pass reads, written by hand: a list of ten thousand paths takes Effect's Schema half a second, and these
 * a few milliseconds. `ControlApiSchema` stays the definition. What a decoder here does not recognise at once it leaves to the schema,
 * and a property compares the two.
 */
import type { ConnectionItem, PathItem } from "./ControlApiSchema.ts"

type Json = { readonly [name: string]: unknown }

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** `undefined` as soon as one of the items is. */
const allOf = <A>(items: ReadonlyArray<unknown>, itemOf: (value: unknown) => A | undefined): Array<A> | undefined => {
  const all: Array<A> = []
  for (const item of items) {
    const decoded = itemOf(item)
    if (decoded === undefined) return undefined
    all.push(decoded)
  }
  return all
}

export const pageOf =
  <A>(itemOf: (value: unknown) => A | undefined) =>
  (value: unknown) => {
    if (!isObject(value) || !Array.isArray(value.items)) return undefined
    const { itemCount, pageCount } = value
    if (!Number.isSafeInteger(itemCount) || !Number.isSafeInteger(pageCount)) return undefined
    const items = allOf(value.items, itemOf)
    return items === undefined
      ? undefined
      : { itemCount: itemCount as number, pageCount: pageCount as number, items: items as ReadonlyArray<A> }
  }

const isState = (value: unknown): value is ConnectionItem["state"] =>
  value === "idle" || value === "read" || value === "publish"

const connectionOf = (value: unknown): ConnectionItem | undefined => {
  if (!isObject(value)) return undefined
  const { id, state, path, peerConnectionEstablished } = value
  if (typeof id !== "string" || !isState(state)) return undefined
  const item: Mutable<ConnectionItem> = { id, state }
  if (path !== undefined) {
    if (typeof path !== "string") return undefined
    item.path = path
  }
  if (peerConnectionEstablished !== undefined) {
    if (typeof peerConnectionEstablished !== "boolean") return undefined
    item.peerConnectionEstablished = peerConnectionEstablished
  }
  return item
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** Of a source and of a reader. */
const sourceOf = (value: unknown): NonNullable<PathItem["source"]> | undefined => {
  if (!isObject(value) || typeof value.type !== "string") return undefined
  if (value.id === undefined) return { type: value.type }
  return typeof value.id === "string" ? { type: value.type, id: value.id } : undefined
}

type TrackItem = NonNullable<PathItem["tracks2"]>[number]

const trackOf = (value: unknown): TrackItem | undefined => {
  if (!isObject(value) || typeof value.codec !== "string") return undefined
  const { codec, codecProps } = value
  if (codecProps === undefined) return { codec }
  return codecProps === null || isObject(codecProps) ? { codec, codecProps } : undefined
}

const flags = ["ready", "available", "online"] as const
const times = ["onlineTime", "readyTime"] as const
const counts = ["inboundBytes", "bytesReceived"] as const

/** Sets the plain fields that the value has; whether all have their type. */
const setPlain = (item: Mutable<PathItem>, value: Json): boolean => {
  for (const name of flags) {
    const flag = value[name]
    if (typeof flag === "boolean") item[name] = flag
    else if (flag !== undefined) return false
  }
  for (const name of times) {
    const time = value[name]
    if (typeof time === "string" || time === null) item[name] = time
    else if (time !== undefined) return false
  }
  for (const name of counts) {
    const count = value[name]
    if (typeof count === "number") item[name] = count
    else if (count !== undefined) return false
  }
  return true
}

/** Sets the field to what `of` makes of each item; whether the value is missing, `null`, or such a list. */
const setList = <N extends "tracks" | "tracks2" | "readers">(
  item: Mutable<PathItem>,
  name: N,
  value: unknown,
  of: (value: unknown) => NonNullable<PathItem[N]>[number] | undefined
): boolean => {
  if (value === undefined) return true
  const list = value === null ? null : Array.isArray(value) ? allOf(value, of) : undefined
  if (list === undefined) return false
  item[name] = list as PathItem[N]
  return true
}

const pathOf = (value: unknown): PathItem | undefined => {
  if (!isObject(value) || typeof value.name !== "string") return undefined
  const item: Mutable<PathItem> = { name: value.name }
  if (!setPlain(item, value)) return undefined
  if (value.source !== undefined) {
    const source = value.source === null ? null : sourceOf(value.source)
    if (source === undefined) return undefined
    item.source = source
  }
  const isRead =
    setList(item, "tracks", value.tracks, textOf) &&
    setList(item, "tracks2", value.tracks2, trackOf) &&
    setList(item, "readers", value.readers, sourceOf)
  return isRead ? item : undefined
}

/** `undefined`: the schema decides. */
export const quickConnections = pageOf(connectionOf)
/** `undefined`: the schema decides. */
export const quickPaths = pageOf(pathOf)
