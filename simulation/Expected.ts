/**
 * The faults and transitions that a run of some hundred schedules must have seen. One that never comes up tests nothing: a run in which
 * one of these is missing fails.
 */
import { ownSources, wrongAnswers } from "./Step.ts"

const stops = ["revoked", "expired", "disabled", "stopped", "broadcaster_deleted", "superseded"]

export const expectedFaults: ReadonlyArray<string> = [
  "hook lost",
  "hook doubled",
  "hook late",
  "hook overtaken by another",
  "hook forged about a source: present",
  "hook forged about a source: former",
  "hook forged about a source: nobody",
  "publisher that nobody admitted",
  "crowd of publishers that nobody admitted",
  "publisher reported",
  "publishers held back by the mass-kick limit",
  ...ownSources.map((source) => `path of the media server's own: ${source}`),
  "reader beside the publishers",
  "auth call copied, late",
  "WebRTC listed before it is established",
  "handshake never finished",
  "RTSP announce and stall",
  "RTSP pause",
  "RTSP record after a pause",
  "RTSP record after a stall",
  "path cured of a ghost",
  "encoder killed",
  "encoder frozen",
  "media server killed",
  "media server stopped",
  "media server started anew",
  "media server started anew in the middle of a look",
  "media server frozen",
  "media server slow",
  ...wrongAnswers.map((answer) => `media server answers: ${answer}`),
  "media server gave an auth up",
  "auth answered after the media server gave up",
  "kick executed after its caller had given up",
  "instance killed",
  "instance killed before a port call",
  "instance killed after a port call went out",
  "instance frozen",
  "instance ended gracefully",
  "old leader resumed",
  "lease taken over",
  "clock of an instance apart",
  "store stopped",
  "store frozen",
  "store slow",
  "store's connections killed",
  "commit failed",
  "answer of a commit lost",
  "answer of a commit lost in silence",
  "executed after its caller had given up",
  "key revoked",
  "key disabled",
  "key enabled again",
  "key given an end",
  "broadcaster deleted",
  "stream stopped by an operator",
  "row ended by hand"
]

export const expectedTransitions: ReadonlyArray<string> = [
  "(nothing) → connecting",
  "connecting → active",
  "connecting → inactive(never_ready)",
  "connecting → inactive(media_server_restarted)",
  "active → inactive(disconnected)",
  "active → inactive(media_server_restarted)",
  "connecting → connecting stopping(never_ready)",
  "connecting stopping(never_ready) → kicked",
  "connecting stopping(never_ready) → inactive(never_ready)",
  ...stops.flatMap((reason) => [
    `connecting → connecting stopping(${reason})`,
    `connecting stopping(${reason}) → active stopping(${reason})`,
    `connecting stopping(${reason}) → kicked`,
    `connecting stopping(${reason}) → inactive(${reason})`,
    `active → active stopping(${reason})`,
    `active stopping(${reason}) → kicked`,
    `active stopping(${reason}) → inactive(${reason})`
  ])
]
