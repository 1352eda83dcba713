create or replace view {{.schema}}.signed_in with (security_barrier = true) as
select s.username, s.id, s.createddate, u.lastlogin, u.lasthit, s.expires, s.ends,
       left(s.origin ->> 'address', 45) as address, left(s.origin ->> 'agent', 200) as agent
  from {{.schema}}.sessions s
  join {{.schema}}.users u on u.username = s.username
 where s.expires is null or s.expires > statement_timestamp();

comment on view {{.schema}}.signed_in is
  'Who is signed in: the users'' live sessions, where they were opened from and until when they last.';
