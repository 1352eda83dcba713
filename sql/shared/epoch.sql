{{/* The epoch, an expression over change_state as st. The stored part is new after a crash, a promotion or a
restore (the table was emptied); the path names the database and the table's file, and so tells a clone from
its template; the start time tells a copied data directory from the one it was copied from. */ -}}
encode(substr(sha256(convert_to(concat_ws('|', st.part, st.tableoid, pg_relation_filepath(st.tableoid), extract(epoch from pg_postmaster_start_time())), 'UTF8')), 1, 16), 'hex')::uuid
