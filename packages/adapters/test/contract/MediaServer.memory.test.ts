import { it } from "@effect/vitest"
import { memoryStage } from "../fixtures/memoryStage.ts"
import { mediaServerLaws } from "./MediaServer.laws.ts"

mediaServerLaws("memory", memoryStage, it.effect)
