/**
 * The rules of who may import whom, each with a code, checked over the text of every source file. Imports point inward: server →
 * adapters → launcher, simulator → core; inside core use cases → webhooks → workers → reconciler → events → decisions → resilience → ports → domain; the domain computes and performs nothing. `node scripts/architecture.ts`
 * prints every violation and exits with 1 when there is one. What the rules are for stands in docs/architecture.md.
 */
import { globSync, readFileSync } from "node:fs"
import { dirname, posix, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly code: keyof typeof rules
  readonly path: string
  readonly imported: string
}

interface Import {
  readonly specifier: string
  readonly names: ReadonlyArray<string>
  /** For relative imports: the file that is meant. */
  readonly target: string | null
  readonly typeOnly: boolean
}

interface Rule {
  readonly why: string
  readonly forbids: (path: string, imported: Import) => boolean
}

const inside = (path: string, ...folders: ReadonlyArray<string>) => folders.some((folder) => path.startsWith(folder))
const performing = ["Effect", "Layer", "Context", "Queue", "Ref", "Fiber", "Stream", "Schedule", "Clock", "Random"]
/** The packages that each may import. Beside them only the composition and the composing parts below know the launcher and the simulator. */
const packagesBelow: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: [],
  launcher: ["core"],
  "mediamtx-simulator": ["core"],
  testing: ["core", "mediamtx-simulator"],
  adapters: ["core", "launcher", "mediamtx-simulator"],
  server: ["core", "adapters", "launcher"],
  greenroom: ["core", "adapters", "server"]
}
const packageAt = (path: string) => /^packages\/([\w-]+)\//.exec(path)?.[1]
const packageNamed = (specifier: string) => /^@greenroom\/([\w-]+)/.exec(specifier)?.[1]
const technology = (path: string) => /^packages\/adapters\/src\/([^/]+)\//.exec(path)?.[1]

/** From the innermost. */
const coreLayers = [
  "domain",
  "ports",
  "resilience",
  "decisions",
  "events",
  "playback",
  "reconciler",
  "viewers",
  "workers",
  "webhooks",
  "usecases",
  "background"
]
const coreLayer = (path: string) => /^packages\/core\/src\/(\w+)\//.exec(path)?.[1]

/**
 * Which adapter folder may use another: the memory media server is the MediaMTX adapter over a simulated control API, and the composition
 * takes keys and ids from Node.
 */
const neighbours: Readonly<Record<string, string>> = { memory: "mediamtx", application: "node" }

/** What single adapter folders may use beside core: a worker is a child process, the memory media server asks the simulator. */
const usedBy: Readonly<Record<string, string>> = { launcher: "worker", "mediamtx-simulator": "memory" }

export const rules = {
  CORE_IMPORTS_EFFECT_ONLY: {
    why: "core can be embedded anywhere: it imports root modules of effect, ipaddr.js (which has no dependencies and no input or output) and itself, nothing else",
    forbids: (path, { specifier, target }) =>
      inside(path, "packages/core/src/") &&
      (target === null ? !/^(effect(\/[A-Z]\w*)?|ipaddr\.js)$/.test(specifier) : !inside(target, "packages/core/src/"))
  },
  DOMAIN_IS_PURE: {
    why: "the domain computes: it imports no effects, no ports and no use cases",
    forbids: (path, { specifier, names, target, typeOnly }) =>
      inside(path, "packages/core/src/domain/") &&
      (target === null
        ? !typeOnly &&
          (names.some((name) => performing.includes(name)) || performing.some((name) => specifier === `effect/${name}`))
        : !inside(target, "packages/core/src/domain/"))
  },
  CORE_LAYERS: {
    why: "in core each layer imports those below it alone: domain, ports, resilience, decisions, events, playback, reconciler, viewers, workers, webhooks, usecases, background",
    forbids: (path, { target }) => {
      const own = coreLayer(path)
      const other = target === null ? undefined : coreLayer(target)
      return own !== undefined && other !== undefined && coreLayers.indexOf(other) > coreLayers.indexOf(own)
    }
  },
  PACKAGES_POINT_INWARD: {
    why: "a package imports those below it alone: core, launcher and mediamtx-simulator, testing and adapters, server, greenroom",
    forbids: (path, { specifier }) => {
      const own = packageAt(path)
      const other = packageNamed(specifier)
      return own !== undefined && other !== undefined && !(packagesBelow[own] ?? []).includes(other)
    }
  },
  ADAPTERS_STAND_ALONE: {
    why: "an adapter can be taken without the others: one technology does not import another",
    forbids: (path, { target }) => {
      const own = technology(path)
      const other = target === null ? undefined : technology(target)
      return own !== undefined && other !== undefined && own !== other && neighbours[own] !== other
    }
  },
  ADAPTERS_USE_SPARINGLY: {
    why: "of the adapters only workers start processes, and only memory looks at the simulator",
    forbids: (path, { specifier }) => {
      const user = usedBy[packageNamed(specifier) ?? ""]
      return inside(path, "packages/adapters/src/") && user !== undefined && technology(path) !== user
    }
  },
  SHELL_IS_THIN: {
    why: "the HTTP shell and the CLI know use cases and ports; only the composition knows adapters and the launcher",
    forbids: (path, { specifier }) =>
      inside(path, "packages/server/src/http/", "packages/server/src/cli/") &&
      ["adapters", "launcher"].includes(packageNamed(specifier) ?? "")
  },
  PACKAGES_BY_NAME: {
    why: "a package is imported by its name, through what it exports",
    forbids: (path, { specifier, target }) =>
      (target !== null && packageAt(path) !== packageAt(target)) ||
      /^@greenroom\/[\w-]+\/(src|dist)(\/|$)/.test(specifier)
  },
  NO_BARREL_OF_PLATFORM: {
    why: "the barrel of platform-node starts slowly and wants redis: import the module that is meant",
    forbids: (_, { specifier }) => specifier === "@effect/platform-node" || specifier === "@effect/sql-pg"
  }
} as const satisfies Readonly<Record<string, Rule>>

const statement =
  /(?:^|\n)\s*(?:import|export)(\s+type)?\s+(?:([^"';]*?)\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g

export const importsOf = (file: SourceFile): ReadonlyArray<Import> =>
  [...file.text.matchAll(statement)].map(([, type, clause, from, dynamic]) => {
    const specifier = from ?? dynamic ?? ""
    const bindings = /\{([^}]*)\}/.exec(clause ?? "")?.[1]?.split(",") ?? []
    return {
      specifier,
      typeOnly: type !== undefined,
      names: bindings.map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("type ")),
      target: specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file.path), specifier)) : null
    }
  })

export const violations = (files: ReadonlyArray<SourceFile>): ReadonlyArray<Violation> =>
  files.flatMap((file) =>
    importsOf(file).flatMap((imported) =>
      (Object.keys(rules) as ReadonlyArray<keyof typeof rules>)
        .filter((code) => rules[code].forbids(file.path, imported))
        .map((code) => ({ code, path: file.path, imported: imported.specifier }))
    )
  )

if (import.meta.main) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const files = globSync(["packages/*/src/**/*.ts", "verification/**/*.ts"], {
    cwd: root,
    exclude: ["**/node_modules/**"]
  }).map((path) => ({
    path: relative(root, `${root}/${path}`).split(sep).join("/"),
    text: readFileSync(`${root}/${path}`, "utf8")
  }))
  const found = violations(files)
  for (const { code, path, imported } of found)
    console.error(`${path}: imports ${imported}: ${code}: ${rules[code].why}`)
  console.log(`architecture: ${files.length} files, ${found.length} violations`)
  process.exitCode = found.length === 0 && files.length > 0 ? 0 : 1
}
