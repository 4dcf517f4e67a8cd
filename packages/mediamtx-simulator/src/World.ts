/**
 * The world inside a simulated MediaMTX: connections, the paths they publish on, and what time does to them. Pure: every function
 * takes the world and the time in milliseconds and gives the next world; nothing here waits, asks or sends. What will happen by
 * itself (a publisher getting ready, a silent one timing out) happens in `advance`, in the order of its times, whenever a caller
 * looks. The behaviour is that of MediaMTX, measured or read from its source, of 1.20.1 unless the options name another version; what is
 * simplified is marked in its place.
 */
export {
  answer,
  connect,
  freeze,
  kick,
  kill,
  type LetInAs,
  leave,
  type NewConnection,
  pause,
  record,
  thaw
} from "./world/clients.ts"
export { configure, deconfigure, setOwnSource, start, stop } from "./world/server.ts"
export {
  begin,
  type CloseReason,
  type Connection,
  close,
  defaultOptions,
  type Ghost,
  type Happening,
  type OwnSource,
  type Phase,
  publisherOf,
  publishers,
  readersOf,
  sources,
  type World,
  type WorldOptions
} from "./world/state.ts"
export { advance, nextDue } from "./world/time.ts"
