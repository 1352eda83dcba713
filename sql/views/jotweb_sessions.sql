-- The sessions table of JOTWeb's BackendPyPgSQL, to read. Joined with nothing, so that the view cannot be updated.
-- Note that least() and greatest() pass over nulls.
create or replace view {{.schema}}.jotweb_sessions (
  id, key, username, cryptpasswd, createddate, ts_created, expiresecs, expires, payload
) as
select case when s.id between 0 and 2147483647 then s.id::integer end,
       encode(s.key, 'hex'),
       coalesce(s.username, ''),
       coalesce(s.cryptpasswd, ''),
       floor(greatest(-2147483648, least(2147483647, extract(epoch from s.createddate))))::integer,
       s.createddate::timestamp,
       s.expiresecs,
       case when s.expires is not null then floor(greatest(-2147483648, least(2147483647, extract(epoch from s.expires))))::integer end,
       s.payload::text
  from {{.schema}}.sessions s
 cross join (select) as read_only;

comment on view {{.schema}}.jotweb_sessions is
  'Sessions in the columns and types of the seed''s table, expired ones that are not swept yet included. key is the stored key in hex, from which no token or cookie can be had; username and cryptpasswd are empty for an anonymous session; dates, id and payload are as in jotweb_users. cryptpasswd is the hash of the user''s password. Nobody is granted it. Read-only.';
