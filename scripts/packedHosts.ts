/** The hosts of `npm run packed-example`: what is in the project before Greenroom comes, and what its user sees then. */
import { cpSync, existsSync } from "node:fs"
import { join } from "node:path"
import type { Project, Ran } from "./packedProject.ts"
import { readManifest } from "./packPackages.ts"

export interface Host {
  readonly name: string
  /** In one line, what was seen; fails when that is not what has to be. */
  readonly run: (project: Project) => Promise<string>
}

/** Pins effect 3 (docs/embedding.md). */
const PRISMA = "@prisma/config@7.10.0"
const EFFECT_3 = "effect@3.20.0"
const OLDER_4 = "effect@4.0.6"
/** The lowest that core accepts. */
const lowest = String((readManifest("packages/core").peerDependencies as { effect: string }).effect).replace("^", "")

const libraries = ["@greenroom/core", "@greenroom/adapters"]

const must = (ran: Ran, what: string): Ran => {
  if (!ran.ok) throw new Error(`${what}: ${ran.output.slice(-2_000)}`)
  return ran
}

const says = (output: string, ...patterns: ReadonlyArray<RegExp>) => {
  for (const pattern of patterns)
    if (!pattern.test(output)) throw new Error(`${pattern} is not in: ${output.slice(-2_000)}`)
}

/** Gives the sentence with which the program failed. */
const mustFail = ({ ok, output }: Ran, sentence: RegExp): string => {
  if (ok) throw new Error("the program ran")
  says(output, sentence)
  return sentence.exec(output)?.[0] ?? ""
}

/** The example for users of Effect, which runs on the host's own copy. */
const example = (project: Project): string => {
  says(
    must(project.node("main.ts"), "main.ts").output,
    /AllowPublisher: Main camera on live\//,
    /after the revocation: stream_key_revoked/
  )
  return `the example runs; effect: ${project.effects().join(", ")}`
}

/** The package with promises, which brings its own copy. */
const promises = (project: Project): string => {
  project.write(
    "promises.mjs",
    `import { createGreenroom } from "greenroom"
const mediaMtx = { apiUrl: "http://127.0.0.1:9", secret: "a secret of the media server" }
const gr = await createGreenroom({ database: "memory", mediaMtx, logger: () => {} })
await gr.broadcasters.upsert({ externalId: "user-4711", displayName: "Ada" })
const { value, ingest } = await gr.keys.create({ broadcaster: { externalId: "user-4711" } })
const call = { action: "publish", path: ingest.path, password: value, protocol: "rtmp", id: "1", ip: "127.0.0.1", user: "", query: "" }
console.log("admitted:", (await gr.authenticate(call)).status)
console.log("refused:", (await gr.authenticate({ ...call, id: "2", password: "wrong" })).status)
await gr.close()
`
  )
  says(must(project.node("promises.mjs"), "promises.mjs").output, /admitted: 200/, /refused: 401/)
  return `the package with promises runs; effect: ${project.effects().join(", ")}`
}

/** npm refuses, and names both versions, unless it is told to ignore what packages expect beside them. */
const refusedBeside = (other: string, sentence: RegExp) => async (project: Project) => {
  must(project.install([other], ["--save-exact"]), other)
  const refused = project.install(libraries)
  if (refused.ok) throw new Error(`npm installed the libraries beside ${other}`)
  says(refused.output, /ERESOLVE/, new RegExp(`Found: ${other}`), /peer effect@"[~^]4\.1\.0"/)
  must(project.install(libraries, ["--legacy-peer-deps"]), "--legacy-peer-deps")
  project.write(
    "core.mjs",
    `import { layerBackground } from "@greenroom/core"
import { Effect, Layer } from "effect"
await Effect.runPromise(Effect.scoped(Layer.build(layerBackground)))
`
  )
  return `npm names both versions; against its advice: ${mustFail(project.node("core.mjs"), sentence)}`
}

export const hosts: ReadonlyArray<Host> = [
  {
    name: "empty",
    run: async (project) => {
      must(project.install([...libraries, `effect@^${lowest}`]), "install")
      return example(project)
    }
  },
  {
    name: "lowest effect",
    run: async (project) => {
      must(project.install([...libraries, `effect@${lowest}`], ["--save-exact"]), "install")
      return example(project)
    }
  },
  {
    name: "prisma, which pins effect 3",
    run: async (project) => {
      must(project.install([PRISMA]), PRISMA)
      must(project.install([...libraries, "effect@^4.1.0"]), "install")
      return example(project)
    }
  },
  { name: "effect 3", run: refusedBeside(EFFECT_3, /does not provide an export named '\w+'/) },
  { name: "another effect 4", run: refusedBeside(OLDER_4, /needs effect \^4\.1\.0, and effect 4\.0\.6 is installed/) },
  {
    name: "two copies of one version",
    run: async (project) => {
      must(project.install([...libraries, `effect@${lowest}`]), "install")
      const copyTo = (folder: string) =>
        cpSync(join(project.folder, "node_modules/effect"), join(project.folder, folder, "node_modules/effect"), {
          recursive: true
        })
      copyTo("service")
      cpSync(join(project.folder, "main.ts"), join(project.folder, "service/main.ts"))
      const ofHost = /Two copies of effect are loaded.*core has effect 4.*the program that starts it has effect 4\S*/
      mustFail(project.node("service/main.ts"), ofHost)
      copyTo("node_modules/@greenroom/core")
      const ofPackage = /Two copies of effect are loaded.*core has effect 4.*adapters has effect 4\S*/
      mustFail(project.node("main.ts"), ofPackage)
      return "the start fails and names both, whether the copy is the host's or a package's"
    }
  },
  {
    name: "server",
    run: async (project) => {
      must(project.install(["@greenroom/server"]), "install")
      says(must(project.node("node_modules/.bin/greenroom", "--version"), "--version").output, /\d+\.\d+\.\d+/)
      project.write(
        "api.mjs",
        'import { Api } from "@greenroom/server/api"\nconsole.log(Object.keys(Api.groups).join())\n'
      )
      says(must(project.node("api.mjs"), "api.mjs").output, /broadcasters/)
      project.write("all.mjs", 'import { serve } from "@greenroom/server"\nconsole.log(typeof serve)\n')
      says(must(project.node("all.mjs"), "all.mjs").output, /object/)
      return "the command, the API as a value and the service as an effect are there"
    }
  },
  ...["", EFFECT_3, OLDER_4].map(
    (before): Host => ({
      name: `greenroom, ${before === "" ? "in an empty project" : `beside ${before}`}`,
      run: async (project) => {
        if (before !== "") must(project.install([before], ["--save-exact"]), before)
        must(project.install(["greenroom"]), "install")
        // A peer of @effect/platform-node, which nothing that is embedded needs.
        if (existsSync(join(project.folder, "node_modules/redis"))) throw new Error("npm added redis")
        return promises(project)
      }
    })
  )
]
