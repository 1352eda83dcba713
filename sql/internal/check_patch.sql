create or replace function {{.schema}}.check_patch(p_patch jsonb)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_objects jsonb[] := array[p_patch];
begin
  if p_patch is null or jsonb_typeof(p_patch) <> 'object' then
    perform {{.schema}}.fail('SE005', 'invalid patch', 'A merge patch (RFC 7396) is a JSON object.');
  end if;
  -- Level by level, because merging is recursive: an error from its depths would carry a CONTEXT of that length.
  -- What is short cannot be deep.
  if octet_length(p_patch::text) > 600 then
    for v_depth in 1..100 loop
      select array_agg(m.value) into v_objects
        from unnest(v_objects) o (value), jsonb_each(o.value) m
       where jsonb_typeof(m.value) = 'object';
      if v_objects is null then
        return;
      end if;
    end loop;
    perform {{.schema}}.fail('SE005', 'patch nested too deeply', 'Objects may be nested 100 deep.');
  end if;
end
$function$;

comment on function {{.schema}}.check_patch(jsonb) is
  'Raises SE005 for what can be no merge patch: null, no JSON object, or objects nested more than 100 deep.';
