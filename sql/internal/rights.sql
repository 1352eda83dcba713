create or replace function {{.schema}}.rights()
returns table (
  object  name,
  app     boolean,
  admin   boolean,
  auditor boolean
)
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select r.object::name, 'app' = any (r.roles), 'admin' = any (r.roles), 'auditor' = any (r.roles)
      from (select v.object, string_to_array(v.roles, ' ') as roles from (values
        ('change_ack',           'app admin'),
        ('change_applied',       'app admin'),
        ('change_expel',         'app admin'),
        ('change_join',          'app admin'),
        ('change_leave',         'app admin'),
        ('change_members',       'app admin'),
        ('change_poll',          'app admin'),
        ('change_ring',          'app admin'),
        ('change_start',         'app admin'),
        ('change_wait',          'app admin'),
        ('epoch',                'app admin'),
        ('login',                'app admin'),
        ('logout',               'app admin'),
        ('session_close',        'app admin'),
        ('session_close_all',    'admin'),
        ('session_close_id',     'app admin'),
        ('session_close_user',   'app admin'),
        ('session_explain',      'admin auditor'),
        ('session_get',          'app admin'),
        ('session_key',          'app admin'),
        ('session_list',         'app admin'),
        ('session_merge',        'app admin'),
        ('session_open',         'app admin'),
        ('session_rotate',       'app admin'),
        ('session_save',         'app admin'),
        ('session_scan',         'admin'),
        ('session_sweep',        'app admin'),
        ('session_touch',        'app admin'),
        ('set_setting',          'admin'),
        ('setting',              'app admin auditor'),
        ('stats',                'app admin auditor'),
        ('user_activate',        'app admin'),
        ('user_change_password', 'app admin'),
        ('user_create',          'app admin'),
        ('user_delete',          'app admin'),
        ('user_disable',         'admin'),
        ('user_enable',          'admin'),
        ('user_get',             'app admin'),
        ('user_list',            'admin'),
        ('user_rename',          'admin'),
        ('user_save',            'app admin'),
        ('user_set_password',    'app admin'),
        ('version',              'app admin auditor'),
        -- views
        ('audit_trail',          'admin auditor'),
        ('ended_sessions',       'admin auditor'),
        ('index_health',         'admin auditor'),
        ('recent_failures',      'admin auditor'),
        ('sessions_by_user',     'admin auditor'),
        ('settings_in_force',    'admin auditor'),
        ('signed_in',            'admin auditor'),
        ('table_health',         'admin auditor')
      ) v (object, roles)) r;
end
$function$;

comment on function {{.schema}}.rights() is
  'Who may call which function and read which view: the only list. What is not in it is the owner''s.';
