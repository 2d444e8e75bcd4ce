
/*
 * The schema of the SQLite store, and its version.
 */


#ifndef NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_


/* PRAGMA user_version of a store with this schema */

#define NGX_HTTP_AGW_SQLITE_VERSION   2


/* statements that create version 1, and that migrate it to version 2 */

extern const char  ngx_http_agw_sqlite_schema[];
extern const char  ngx_http_agw_sqlite_schema_2[];


/*
 * The next steps: drop the triggers of any version; add the clock; mark a
 * store as new; add the columns for administration; add indexes and triggers,
 * and set user_version.
 */

extern const char  ngx_http_agw_sqlite_schema_drop[];
extern const char  ngx_http_agw_sqlite_schema_clock[];
extern const char  ngx_http_agw_sqlite_schema_new[];
extern const char  ngx_http_agw_sqlite_schema_admin[];
extern const char  ngx_http_agw_sqlite_schema_credentials[];
extern const char  ngx_http_agw_sqlite_schema_triggers[];


/*
 * Two statements that revoke: the first makes the next stamp, the second an
 * entry with that stamp.  ?1 is the kind; ?2 the id; ?3 the iat of a token, or
 * 0; ?4 the partner that revokes a business, or NULL.
 */

extern const char  ngx_http_agw_sqlite_next_stamp_sql[];
extern const char  ngx_http_agw_sqlite_revoke_sql[];


/* tells the store the limits of this node: ?1 the horizon, ?2 ahead */

extern const char  ngx_http_agw_sqlite_announce_sql[];


#endif /* NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_ */
