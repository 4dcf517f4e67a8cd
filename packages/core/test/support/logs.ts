/** Everything that an effect logs, and its metrics, each apart from those of other tests. */
import { Effect, Layer, Logger, Metric, References } from "effect"

export interface Line {
  readonly level: string
  readonly message: unknown
  readonly annotations: Record<string, unknown>
}

/** A layer that collects the log into `lines`. */
export const collector = () => {
  const lines: Array<Line> = []
  const logger = Logger.make((options) => {
    lines.push(Logger.formatStructured.log(options))
  })
  const layer = Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel)("All"))
  return {
    lines,
    layer,
    /** Level and message of each line. */
    said: (): ReadonlyArray<string> => lines.map((line) => `${line.level} ${String(line.message)}`)
  }
}

/** The counts of a counter by its attributes, as `{"a=1,b=2": 3}`, and the values of gauges, after an effect of its own. */
export const metered = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const result = yield* effect
    const counts: Record<string, number> = {}
    for (const one of yield* Metric.snapshot) {
      const attributes = Object.entries(one.attributes ?? {}).map(([name, value]) => `${name}=${value}`)
      const value =
        one.type === "Counter" ? Number(one.state.count) : one.type === "Gauge" ? Number(one.state.value) : null
      if (value !== null) counts[`${one.id} ${attributes.sort().join()}`.trim()] = value
    }
    return { result, counts }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
