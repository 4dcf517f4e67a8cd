-- Two roles for an installation in the schema "greenroom": one that owns it and runs migrations, one that serves with the rights that serving takes.
--
--   1. as an administrator:     psql "$ADMIN_URL" --set ON_ERROR_STOP=1 --file roles.sql       then set passwords: alter role … password …
--   2. as greenroom_owner:      DATABASE_URL=… greenroom migrate
--   3. as greenroom_owner:      psql "$OWNER_URL" --set ON_ERROR_STOP=1 --file roles.sql       after every migration: new tables get their rights
--   4. as greenroom_runtime:    DATABASE_URL=… DATABASE_MIGRATE=check greenroom serve
--
-- It may be run any number of times. With another schema (DATABASE_SCHEMA), replace the word greenroom in "set local greenroom.schema" below.
-- An installation that another role owns (of a single role, or restored by an administrator): step 1 gives all of it to greenroom_owner.

begin;
set local greenroom.schema = 'greenroom';

do $roles$
declare
  place constant text := current_setting('greenroom.schema');
begin
  if not exists (select from pg_roles where rolname = 'greenroom_owner') then
    create role greenroom_owner login nosuperuser nocreatedb nocreaterole;
  end if;
  if not exists (select from pg_roles where rolname = 'greenroom_runtime') then
    create role greenroom_runtime login nosuperuser nocreatedb nocreaterole;
  end if;
  if to_regnamespace(quote_ident(place)) is null then
    execute format('create schema %I authorization greenroom_owner', place);
  end if;
end $roles$;

do $owner$
declare
  place constant text := current_setting('greenroom.schema');
  relation record;
  routine record;
begin
  if (select pg_get_userbyid(nspowner) from pg_namespace where nspname = place) = 'greenroom_owner' and not exists (
    select from pg_class where relnamespace = to_regnamespace(quote_ident(place)) and pg_get_userbyid(relowner) <> 'greenroom_owner'
  ) then
    return;
  end if;
  execute format('alter schema %I owner to greenroom_owner', place);
  for relation in
    select c.relname, c.relkind from pg_class c
    where c.relnamespace = to_regnamespace(quote_ident(place)) and c.relkind in ('r', 'p', 'v', 'S') order by 1
  loop
    execute format('alter %s %I.%I owner to greenroom_owner',
      case relation.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, place, relation.relname);
  end loop;
  for routine in
    select p.oid::regprocedure as signature from pg_proc p where p.pronamespace = to_regnamespace(quote_ident(place))
  loop
    execute format('alter routine %s owner to greenroom_owner', routine.signature);
  end loop;
end $owner$;

do $rights$
declare
  place constant text := current_setting('greenroom.schema');
  -- What is only appended to. Positions are given, and old rows deleted, by functions that run with the owner's rights.
  append_only constant text[] := array['stream_events', 'event_log', 'audit_log'];
  -- What only those functions and migrations write.
  read_only constant text[] := array['greenroom_migrations', 'event_head', 'pruned_usage', 'pruned_key_uses'];
  -- Sessions end; only pruning deletes them.
  kept constant text[] := array['streams'];
  relation record;
  routine record;
  rights text;
begin
  execute format('revoke all on schema %I from public, greenroom_runtime', place);
  execute format('grant usage on schema %I to greenroom_runtime', place);
  execute format('revoke all on all tables in schema %I from public, greenroom_runtime', place);
  execute format('revoke all on all functions in schema %I from public, greenroom_runtime', place);
  execute format('grant execute on all functions in schema %I to greenroom_runtime', place);
  execute format('grant usage on all sequences in schema %I to greenroom_runtime', place);
  for relation in
    select c.relname, c.relkind from pg_class c
    where c.relnamespace = to_regnamespace(quote_ident(place)) and c.relkind in ('r', 'p', 'v') order by 1
  loop
    rights := case
      when relation.relkind = 'v' or relation.relname = any(read_only) then 'select'
      when relation.relname = any(append_only) then 'select, insert'
      when relation.relname = any(kept) then 'select, insert, update'
      else 'select, insert, update, delete'
    end;
    execute format('grant %s on %I.%I to greenroom_runtime', rights, place, relation.relname);
  end loop;
  -- All names in them are qualified. The path keeps a caller's own objects from being found.
  for routine in
    select p.oid::regprocedure as signature from pg_proc p
    where p.pronamespace = to_regnamespace(quote_ident(place))
      and (p.proname like 'prune\_%' or p.proname in ('place_events', 'renew_event_log'))
  loop
    execute format('alter function %s security definer set search_path = pg_catalog, pg_temp', routine.signature);
  end loop;
end $rights$;

commit;
