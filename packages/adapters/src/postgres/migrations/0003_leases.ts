/** Who reconciles a media server, until when, and what `started` it last saw there. */
export const statements: ReadonlyArray<string> = [
  `create table leases (
    media_server text primary key,
    holder text not null,
    until timestamptz(3) not null,
    started text
  )`
]
