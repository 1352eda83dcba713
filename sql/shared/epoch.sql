{{/* The epoch, an expression over change_state as st. The stored part is new after a crash, a promotion or a
restore, which empty the table. It is handed out as it is where it was made: in this table's file, whose path names
the database, on this start of the server. Elsewhere (a clone, a copied data directory, a clean restart) it is mixed
with both. */ -}}
case when st.started = pg_postmaster_start_time() and st.place = pg_relation_filepath(st.tableoid) then st.part
     else encode(substr(sha256(convert_to(concat_ws('|', st.part, st.tableoid, pg_relation_filepath(st.tableoid), extract(epoch from pg_postmaster_start_time())), 'UTF8')), 1, 16), 'hex')::uuid
end
