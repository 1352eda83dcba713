create or replace function {{.schema}}.merge_patch(p_target jsonb, p_patch jsonb)
returns jsonb
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_result jsonb;
begin
  if jsonb_typeof(p_patch) <> 'object' then
    return p_patch;
  end if;
  -- Members that the patch does not name stay; the others are replaced, merged or, where null, removed.
  v_result := case when jsonb_typeof(p_target) = 'object' then p_target else '{}' end;
  select coalesce(v_result - array_agg(m.key), v_result)
         || coalesce(jsonb_object_agg(m.key,
              case when jsonb_typeof(m.value) = 'object' then {{.schema}}.merge_patch(v_result -> m.key, m.value) else m.value end)
              filter (where jsonb_typeof(m.value) <> 'null'), '{}')
    into v_result
    from jsonb_each(p_patch) m;
  return v_result;
end
$function$;

comment on function {{.schema}}.merge_patch(jsonb, jsonb) is
  'JSON merge patch (RFC 7396): null removes a member, an object merges into one, anything else replaces.';
