import * as NodeKeyMint from "../../src/node/NodeKeyMint.ts"
import { keyMintLaws } from "./KeyMint.laws.ts"

keyMintLaws("Node", NodeKeyMint.layer)
