
/*
 * The schema of the SQLite store, and its version.
 */


#ifndef NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_


/* PRAGMA user_version of a store with this schema */

#define NGX_HTTP_AGW_SQLITE_VERSION   2


/* statements that make a new, empty database such a store */

extern const char  ngx_http_agw_sqlite_schema[];


/* and those that make version 2 of version 1 */

extern const char  ngx_http_agw_sqlite_schema_2[];


#endif /* NGX_HTTP_AGW_SQLITE_SCHEMA_H_INCLUDED_ */
