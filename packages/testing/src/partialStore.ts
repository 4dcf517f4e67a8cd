/** A store of which only some operations are there, for the test of one use case. The others end the test with their name. */
import { Repositories, type StorePorts } from "@greenroom/core"
import { Effect, Layer } from "effect"

export type PartialPorts = { readonly [Name in keyof StorePorts]?: Partial<StorePorts[Name]> }

const missing = (name: string) => Effect.die(new Error(`${name} is not in this store`))

/** An operation that is missing is called or run: both die. */
const stand = (name: string) => Object.assign(() => missing(name), missing(name))

const partial = (port: keyof StorePorts, operations: object = {}): object =>
  new Proxy(operations, {
    get: (target, name) => (Reflect.has(target, name) ? Reflect.get(target, name) : stand(`${port}.${String(name)}`))
  })

export const partialStore = (ports: PartialPorts): Layer.Layer<Repositories> =>
  Layer.succeed(
    Repositories,
    new Proxy({} as StorePorts, { get: (_, name) => partial(name as never, ports[name as keyof StorePorts]) })
  )
