/** The repositories in memory keep the laws of all repositories. */
import * as Memory from "../../src/memory/MemoryRepositories.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"

repositoriesLaws({ name: "memory", layer: Memory.layer, live: false })
