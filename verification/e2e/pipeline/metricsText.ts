/** Prometheus' text format, as far as MediaMTX writes it: `name{label="value",…} 12`. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Fails with the line that is none. */
export const parseMetrics = (text: string): ReadonlyArray<Sample> =>
  text.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return []
    const [, name, , labels = "", value] = /^(\w+)(\{((?:\w+="[^"\\]*",?)*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || Number.isNaN(Number(value))) throw new Error(`no metric: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, of]) => [label, of])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
