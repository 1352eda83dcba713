create or replace view {{.schema}}.ended_sessions with (security_barrier = true) as
select a.at, a.username, a.session, a.detail ->> 'reason' as reason, coalesce((a.detail ->> 'count')::bigint, 1) as count, a.actor, a.application, a.address
  from {{.schema}}.audit a
 where a.event in ('session_ended', 'sessions_ended', 'sessions_truncated');

comment on view {{.schema}}.ended_sessions is
  'Which sessions ended, why and by whom. Username and session are null for sessions in sum: anonymous ones, sweeps, more than 1,000 at once.';
