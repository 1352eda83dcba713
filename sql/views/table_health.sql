create or replace view {{.schema}}.table_health as
select t.relname as table_name, t.n_live_tup as live_rows, t.n_dead_tup as dead_rows,
       pg_catalog.pg_table_size(t.relid) as bytes, pg_catalog.pg_indexes_size(t.relid) as index_bytes,
       t.n_tup_upd as updates, round(100.0 * t.n_tup_hot_upd / nullif(t.n_tup_upd, 0), 1) as hot_percent,
       t.seq_scan as sequential_scans, greatest(t.last_vacuum, t.last_autovacuum) as vacuumed, greatest(t.last_analyze, t.last_autoanalyze) as analyzed
  from pg_catalog.pg_stat_all_tables t
 where t.schemaname = '{{.schema}}';

comment on view {{.schema}}.table_health is
  'The tables: rows as the statistics have them, sizes, the share of updates that left the indexes alone (heap-only; of sessions it should be 95 or more), and when they were last vacuumed and analyzed.';
