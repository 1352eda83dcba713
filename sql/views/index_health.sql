create or replace view {{.schema}}.index_health as
select i.relname as table_name, i.indexrelname as index_name, pg_catalog.pg_relation_size(i.indexrelid) as bytes,
       i.idx_scan as scans, i.idx_tup_read as entries_read, x.indisunique as is_unique, x.indisvalid as is_valid
  from pg_catalog.pg_stat_all_indexes i
  join pg_catalog.pg_index x on x.indexrelid = i.indexrelid
 where i.schemaname = '{{.schema}}';

comment on view {{.schema}}.index_health is
  'The indexes: sizes, how often they were used, and whether they are valid.';
