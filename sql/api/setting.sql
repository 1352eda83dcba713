create or replace function {{.schema}}.setting(p_name text)
returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_value text;
begin
  select s.value into v_value from {{.schema}}.settings s where s.name = p_name;
  if found then
    return v_value;
  end if;
  case p_name
    when 'bcrypt_cost'       then v_value := '12';         -- 2^cost rounds
    when 'payload_max'       then v_value := '65536';      -- bytes of a payload as text
    when 'absolute_lifetime' then v_value := '';           -- an interval after which any session ends; empty: none
    when 'lease'             then v_value := '3 seconds';  -- T: no answer is older
    when 'fencing'           then v_value := '0 seconds';  -- F: how long a demoted server may go on answering
    when 'poll'              then v_value := '1 second';   -- P: how often a process polls
    when 'poll_limit'        then v_value := '10000';      -- changes that one poll returns; past them a flush is due
    when 'notify'            then v_value := 'inline';
    when 'log_retention'     then v_value := '5 minutes';  -- a process away for longer starts with an empty cache
    else
      perform {{.schema}}.fail('SE005', format('no setting %s', quote_nullable(p_name)), 'The names are listed in the file of this function.');
  end case;
  return v_value;
end
$function$;

comment on function {{.schema}}.setting(text) is
  'The value of a setting, its default where the table settings holds none. Raises SE005 for a name that is none.';
