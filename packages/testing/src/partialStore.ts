/** A store of which only some operations are there, for the test of one use case. The others end the test with their name. */
import { Repositories, type StorePorts } from "@greenroom/core"
import { Effect, Effectable, Layer } from "effect"

export type PartialPorts = { readonly [Name in keyof StorePorts]?: Partial<StorePorts[Name]> }

/** A missing operation. Those without arguments are Effects themselves, so it can be called and run: both end with its name. */
const missing = (name: string) => {
  const dies = Effect.die(new Error(`${name} is not in this store`))
  return Object.setPrototypeOf(
    () => dies,
    Effectable.Prototype<Effect.Effect<never>>({ label: name, evaluate: () => dies })
  )
}

const partial = (port: keyof StorePorts, operations: object = {}): object =>
  new Proxy(operations, {
    get: (target, name) => (Reflect.has(target, name) ? Reflect.get(target, name) : missing(`${port}.${String(name)}`))
  })

export const partialStore = (ports: PartialPorts): Layer.Layer<Repositories> =>
  Layer.succeed(
    Repositories,
    new Proxy({} as StorePorts, { get: (_, name) => partial(name as never, ports[name as keyof StorePorts]) })
  )
