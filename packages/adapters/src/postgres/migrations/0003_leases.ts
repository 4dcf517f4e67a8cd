/** The lease of each media server: its holder, its end, and the media server's `started` in the last complete pass. */
export const statements: ReadonlyArray<string> = [
  `create table leases (
    media_server text primary key,
    holder text not null,
    until timestamptz(3) not null,
    started text
  )`
]
