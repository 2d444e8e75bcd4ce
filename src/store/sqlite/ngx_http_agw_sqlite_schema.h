
/*
 * The schema of the SQLite store, and its version.
 */


#ifndef NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_


/* PRAGMA user_version of a store with this schema */

#define NGX_HTTP_AGW_SQLITE_VERSION   2


/* statements that make version 1 of an empty database, and 2 of that */

extern const char  ngx_http_agw_sqlite_schema[];
extern const char  ngx_http_agw_sqlite_schema_2[];


/*
 * and those that take away the triggers of any version, give it a clock, say
 * that it is new, and add indexes and triggers; the last set user_version
 */

extern const char  ngx_http_agw_sqlite_schema_drop[];
extern const char  ngx_http_agw_sqlite_schema_clock[];
extern const char  ngx_http_agw_sqlite_schema_new[];
extern const char  ngx_http_agw_sqlite_schema_triggers[];


/*
 * A write of ours: the next stamp, and an entry that has it.  Of the latter
 * ?1 is the kind, ?2 the id, ?3 of a token its iat, or 0, ?4
 * of a business who asks, or NULL.
 */

extern const char  ngx_http_agw_sqlite_next_stamp_sql[];
extern const char  ngx_http_agw_sqlite_revoke_sql[];


/* what a node has to say to the store: ?1 its horizon, ?2 ahead */

extern const char  ngx_http_agw_sqlite_announce_sql[];


#endif /* NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_ */
