/**
 * Imported before Effect. Effect keeps Node's async context for each fiber that waits; nothing in a simulation reads it, and it takes a
 * twentieth of the time.
 */
const { getBuiltinModule } = process
process.getBuiltinModule = ((name: string) =>
  name === "node:async_hooks" ? undefined : getBuiltinModule.call(process, name)) as typeof getBuiltinModule
