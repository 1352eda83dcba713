create or replace view {{.schema}}.settings_in_force as
select k.name, coalesce(s.value, k.standard) as value, k.standard, s.name is not null as changed, k.meaning
  from (select k.name, k.meaning, {{ template "shared/setting_default.sql" "k.name" }} as standard
          from {{ template "shared/settings.sql" }}) k
  left join {{.schema}}.settings s on s.name = k.name;

comment on view {{.schema}}.settings_in_force is
  'Every setting with the value in force, its default, and what it means. set_setting changes one.';
