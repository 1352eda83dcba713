create or replace view {{.schema}}.ended_sessions as
select a.at, a.username, a.session, case when a.event = 'sessions_truncated' then 'truncated' else a.detail ->> 'reason' end as reason,
       case when a.event = 'session_ended' then 1 else (a.detail ->> 'count')::bigint end as count, a.actor, a.application, a.address
  from {{.schema}}.audit a
 where a.event in ('session_ended', 'sessions_ended', 'sessions_truncated');

comment on view {{.schema}}.ended_sessions is
  'Which sessions ended, why and by whom. Username and session are null for sessions in sum: anonymous ones, sweeps, more than 1,000 at once; and the count for a TRUNCATE, which tells nobody.';
