create or replace function {{.schema}}.change_note(p_kind "char", p_tags bigint[])
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_items text;
begin
  if {{.schema}}.change_flushed() then
    return;
  end if;
  insert into {{.schema}}.change_log (kind, tag) select p_kind, t.tag from unnest(p_tags) t (tag);
  select concat(current_setting('pgsession.pending_{{.schema}}', true),
                string_agg(p_kind::text || rtrim({{.schema}}.token_text(int8send(t.tag)), '='), ''))
    into v_items
    from unnest(p_tags) t (tag);
  -- 600 items of 12 characters fill a notification.
  while length(v_items) >= 7200 loop
    perform set_config('pgsession.pending_{{.schema}}', left(v_items, 7200), true);
    perform {{.schema}}.change_announce();
    v_items := substr(v_items, 7201);
  end loop;
  perform set_config('pgsession.pending_{{.schema}}', v_items, true);
end
$function$;

comment on function {{.schema}}.change_note("char", bigint[]) is
  'Logs invalidations in this transaction and holds them for change_announce. An item is the kind and the tag''s 8 bytes, big-endian, as 11 base64url characters.';
