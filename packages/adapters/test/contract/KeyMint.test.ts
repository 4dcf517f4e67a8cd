import { keyGeneratorLaws, registerLaws } from "@greenroom/testing"
import { afterAll, describe, it } from "vitest"
import * as NodeKeyMint from "../../src/node/NodeKeyGenerator.ts"

registerLaws(keyGeneratorLaws({ name: "Node", layer: NodeKeyMint.layer }), { describe, it, afterAll })
