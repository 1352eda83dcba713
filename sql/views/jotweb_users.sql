-- The users table of JOTWeb's BackendPyPgSQL, to read. Joined with nothing, so that the view cannot be updated.
-- Note that least() and greatest() pass over nulls.
create or replace view {{.schema}}.jotweb_users (
  id, username, cryptpasswd, createddate, ts_created, lastlogin, lasthit, payload
) as
select case when u.id between 0 and 2147483647 then u.id::integer end,
       u.username,
       u.cryptpasswd,
       floor(greatest(-2147483648, least(2147483647, extract(epoch from u.createddate))))::integer,
       u.createddate::timestamp,
       case when u.lastlogin is not null then floor(greatest(-2147483648, least(2147483647, extract(epoch from u.lastlogin))))::integer end,
       case when u.lasthit is not null then floor(greatest(-2147483648, least(2147483647, extract(epoch from u.lasthit))))::integer end,
       u.payload::text
  from {{.schema}}.users u
 cross join (select) as read_only;

comment on view {{.schema}}.jotweb_users is
  'Users in the columns and types of the seed''s table: dates are seconds since 1970, those that an integer cannot hold its nearest value (2038 for later ones); an id over 2147483647 is null; payload is JSON, not a pickle. cryptpasswd is the password''s hash: whoever may read it can guess at passwords in peace. Nobody is granted it. Read-only.';
