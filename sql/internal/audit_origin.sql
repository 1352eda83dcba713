create or replace function {{.schema}}.audit_origin(p_origin jsonb)
returns jsonb
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_origin is null then
    return null;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('address', left(p_origin ->> 'address', 45), 'agent', left(p_origin ->> 'agent', 200)));
end
$function$;

comment on function {{.schema}}.audit_origin(jsonb) is
  'What the audit keeps of an origin: address and agent, cut to a length, and nothing else that an application may put there.';
