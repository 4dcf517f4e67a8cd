/** A folder for each test, for services that are started in it; what they leave running is ended, and the folder removed. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterEach, beforeEach } from "@effect/vitest"
import { type Service, startService } from "../../../../verification/worlds/service.ts"

export const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

export const until = async (condition: () => boolean | Promise<boolean>, what: string, millis = 60_000) => {
  const end = performance.now() + millis
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${millis} ms: ${what}`)
    await wait(20)
  }
}

export const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** `DATA_DIR` is `data` in the folder, `API_PORT` any free one, unless `environment` or a test says otherwise. */
export const useHome = (environment: Readonly<Record<string, string>> = {}) => {
  let directory = ""
  let services: Array<Service> = []
  const data = () => path.join(directory, "data")
  const databasePid = (folder = data()) =>
    Number(fs.readFileSync(path.join(folder, "postgres/data/postmaster.pid"), "utf8").split("\n")[0])

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-serve-"))
    fs.chmodSync(directory, 0o711)
    services = []
  })
  afterEach(async () => {
    for (const { child } of services) child.kill("SIGKILL")
    await Promise.all(services.map(({ ended }) => ended))
    await until(() => {
      try {
        return !isAlive(databasePid())
      } catch {
        return true
      }
    }, "the database is gone")
    fs.rmSync(directory, { recursive: true, force: true })
  })

  return {
    directory: () => directory,
    data,
    start: (more: Readonly<Record<string, string>> = {}, args: ReadonlyArray<string> = ["serve"]) => {
      const service = startService({ DATA_DIR: data(), API_PORT: "0", ...environment, ...more }, args)
      services.push(service)
      return service
    },
    /** The generated API secret. */
    secret: () => fs.readFileSync(path.join(data(), "api-secret"), "utf8").trim(),
    databasePid
  }
}
