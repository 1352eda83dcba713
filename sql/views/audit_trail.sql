create or replace view {{.schema}}.audit_trail as
select a.at, a.event, a.username, a.session, a.detail, a.actor, a.application, a.address
  from {{.schema}}.audit a;

comment on view {{.schema}}.audit_trail is
  'The audit, as it is: what happened when, to whom, and who did it (actor, application and address of the connection to the database).';
