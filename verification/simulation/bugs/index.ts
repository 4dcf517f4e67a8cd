/** All deliberate bugs. Each, switched on alone, must be caught. */
import {
  authWaits,
  blockUnseen,
  contestUnseen,
  endlessOverlap,
  localExpiry,
  noLock,
  noUniqueIndex,
  sourceTwice,
  takeoverSupersedesItself
} from "./admitting.ts"
import type { Bug } from "./Bug.ts"
import { endedWhenKicked, hookBelievedAlways, hookEnds, neverReadyEnds } from "./ending.ts"
import { lateEventLost, placedByWriterAlone, placedInAnyOrder } from "./logging.ts"
import {
  failedListIsEmpty,
  listBeforeStore,
  listedIsReady,
  listsKept,
  listsNotRead,
  oneSnapshot,
  ownListAlone,
  ownSourceTrusted,
  pathsLogged,
  processNotAsked,
  restartUnnoticed,
  webrtcTrusted
} from "./looking.ts"
import {
  breakerStuck,
  endlessBackoff,
  eventApart,
  leaseKept,
  noBreaker,
  noTurns,
  readyAgain,
  wallClock,
  wishForEver
} from "./running.ts"
import {
  cureUnseen,
  kickedOnce,
  onlyActiveKicked,
  reasonNotReread,
  reportCoversFormer,
  revokeMarks
} from "./stopping.ts"
import { neverIdle, policyNotReread, readersUnheard, revocationsNotFollowed } from "./watching.ts"

export const bugs: ReadonlyArray<Bug> = [
  oneSnapshot,
  listBeforeStore,
  hookEnds,
  endedWhenKicked,
  neverReadyEnds,
  noLock,
  revokeMarks,
  sourceTwice,
  reasonNotReread,
  reportCoversFormer,
  leaseKept,
  webrtcTrusted,
  failedListIsEmpty,
  localExpiry,
  eventApart,
  endlessBackoff,
  takeoverSupersedesItself,
  restartUnnoticed,
  cureUnseen,
  noUniqueIndex,
  onlyActiveKicked,
  pathsLogged,
  authWaits,
  ownSourceTrusted,
  hookBelievedAlways,
  wishForEver,
  kickedOnce,
  ownListAlone,
  listedIsReady,
  breakerStuck,
  noBreaker,
  wallClock,
  noTurns,
  readyAgain,
  listsKept,
  processNotAsked,
  listsNotRead,
  lateEventLost,
  placedByWriterAlone,
  placedInAnyOrder,
  endlessOverlap,
  blockUnseen,
  contestUnseen,
  policyNotReread,
  revocationsNotFollowed,
  neverIdle,
  readersUnheard
]

export const bugNamed = (name: string): Bug => {
  const found = bugs.find((bug) => bug.name === name) ?? bugs.find((bug) => bug.name.includes(name))
  if (found === undefined) throw new Error(`there is no bug "${name}": ${bugs.map((bug) => bug.name).join("; ")}`)
  return found
}
