/** Every attack, by name. */
import type { Attack } from "../Attack.ts"
import { connectionAttacks } from "./connections.ts"
import { floodAttacks } from "./floods.ts"
import { requestAttacks } from "./requests.ts"

export const attacks: ReadonlyArray<Attack> = [...connectionAttacks, ...requestAttacks, ...floodAttacks]
