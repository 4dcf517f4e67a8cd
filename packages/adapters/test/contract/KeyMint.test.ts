import * as NodeKeyMint from "../../src/node/NodeKeyGenerator.ts"
import { keyMintLaws } from "./KeyMint.laws.ts"

keyMintLaws("Node", NodeKeyMint.layer)
