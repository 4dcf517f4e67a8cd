#!/bin/sh
# Backs up one installation, and restores it into a database that has none.
#
#   DATABASE_URL=… scripts/backup.sh dump greenroom.dump
#   DATABASE_URL=… scripts/backup.sh restore greenroom.dump
#
# It needs pg_dump, pg_restore and psql of the server's version or a newer one. DATABASE_SCHEMA names another schema than greenroom. The dump has hashes of
# keys and encrypted secrets of webhooks: keep it as you keep the database. ENCRYPTION_KEY is not in it.
set -eu
umask 077

fail() {
  echo "backup.sh: $1" >&2
  exit "${2:-1}"
}

usage="usage: DATABASE_URL=postgres://… backup.sh dump <file> | restore <file>"
[ $# -eq 2 ] || fail "$usage" 64
command=$1
file=$2
schema=${DATABASE_SCHEMA:-greenroom}
case $schema in *[!a-z0-9_]* | '' | [0-9]*) fail "the schema's name is refused: $schema" 64 ;; esac
[ -n "${DATABASE_URL:-}" ] || fail "DATABASE_URL is not set. $usage" 64
for program in pg_dump pg_restore psql; do
  command -v "$program" >/dev/null || fail "$program is not installed" 69
done

# A password in an argument is shown to every user of this machine.
rest=${DATABASE_URL#*://}
authority=${rest%%[/?]*}
case $authority in
*:*@*)
  userinfo=${authority%@*}
  PGPASSWORD=${userinfo#*:}
  case $PGPASSWORD in *%*) fail "the password is percent-encoded: leave it out of DATABASE_URL, and set PGPASSWORD" 64 ;; esac
  export PGPASSWORD
  url=${DATABASE_URL%%://*}://${userinfo%%:*}@${authority##*@}${rest#"$authority"}
  ;;
*) url=$DATABASE_URL ;;
esac

ask() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname "$url" --command "$1"
}

dump() {
  [ -n "$(ask "select to_regclass('$schema.greenroom_migrations')")" ] || fail "there is no installation in the schema $schema"
  trap 'rm -f "$file.part"' EXIT
  pg_dump --format=custom --schema="$schema" --no-owner --no-privileges --file "$file.part" --dbname "$url"
  # A file that cannot be read is no backup.
  pg_restore --list "$file.part" >/dev/null
  mv "$file.part" "$file"
  echo "backed up the schema $schema into $file"
}

restore() {
  [ -r "$file" ] || fail "$file cannot be read" 66
  [ -z "$(ask "select to_regclass('$schema.greenroom_migrations')")" ] ||
    fail "there is an installation in the schema $schema already: restore into a new database"
  # An empty schema that an administrator has made is in the way of the one in the dump.
  list=$(mktemp)
  trap 'rm -f "$list"' EXIT
  if [ -n "$(ask "select 1 from pg_namespace where nspname = '$schema'")" ]; then
    pg_restore --list "$file" | grep -v " SCHEMA - $schema " >"$list"
  else
    pg_restore --list "$file" >"$list"
  fi
  pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --use-list "$list" --dbname "$url" "$file"
  # Readers of events must notice that positions will be given again.
  ask "select 'the event log has the new id ' || log from $schema.renew_event_log()"
  ask "select 'broadcasters ' || (select count(*) from $schema.broadcasters) || ', keys ' || (select count(*) from $schema.stream_keys)
    || ', sessions ' || (select count(*) from $schema.streams) || ', events ' || (select count(*) from $schema.event_log)"
  echo "restored $file into the schema $schema. Before the first start: docs/operations/backup.md#after-the-restore"
}

case $command in
dump) dump ;;
restore) restore ;;
*) fail "$usage" 64 ;;
esac
