create or replace view {{.schema}}.recent_failures as
select a.at, a.event, a.username, a.detail ->> 'reason' as reason, a.detail ->> 'address' as address, a.detail ->> 'agent' as agent, a.application
  from {{.schema}}.audit a
 where a.event in ('login_failed', 'login_throttled') and a.at > statement_timestamp() - interval '1 day';

comment on view {{.schema}}.recent_failures is
  'Logins of the last 24 hours that failed or were throttled, with the address they came from. Username is null where there is no such user.';
