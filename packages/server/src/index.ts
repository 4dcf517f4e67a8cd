/**
 * The whole service as an effect, for a program that starts it itself. It takes its settings from the environment, as the command line does.
 * To embed without HTTP and settings of its own, use the package `greenroom`.
 */
export { migrate, serve } from "./composition/commands.ts"
