{{/* The default of every setting, an expression over the name: saves and polls ask for it, so it must cost next to
nothing. shared/settings.sql says what else there is to know about each. */ -}}
case {{.}}
  when 'absolute_lifetime'   then ''
  when 'activation_lifetime' then '7 days'
  when 'audit_retention'     then '1 year'
  when 'bcrypt_cost'         then '12'
  when 'default_idle'        then ''
  when 'fencing'             then '0 seconds'
  when 'lease'               then '3 seconds'
  when 'log_retention'       then '5 minutes'
  when 'notify'              then 'inline'
  when 'password_min'        then '1'
  when 'payload_max'         then '65536'
  when 'poll'                then '1 second'
  when 'poll_limit'          then '10000'
  when 'throttle_cap'        then '15 minutes'
  when 'throttle_free'       then '5'
  when 'throttle_stop'       then '100'
end
