create or replace view {{.schema}}.sessions_by_user with (security_barrier = true) as
select u.username, u.status, coalesce(s.live, 0) as live, coalesce(s.expired, 0) as expired,
       s.oldest, s.newest, u.lastlogin, u.lasthit
  from {{.schema}}.users u
  left join (select x.username,
                    count(*) filter (where x.expires is null or x.expires > statement_timestamp()) as live,
                    count(*) filter (where x.expires <= statement_timestamp()) as expired,
                    min(x.createddate) as oldest, max(x.createddate) as newest
               from {{.schema}}.sessions x
              where x.username is not null
              group by x.username) s on s.username = u.username;

comment on view {{.schema}}.sessions_by_user is
  'Each user with status, the number of sessions that are live and that have expired and are not swept yet, and when the oldest and the newest of them were opened.';
