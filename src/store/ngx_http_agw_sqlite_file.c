
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_file.h"


uint64_t
ngx_http_agw_sqlite_file_id(const char *path)
{
    ngx_file_info_t  fi;

    if (ngx_file_info((u_char *) path, &fi) == NGX_FILE_ERROR) {
        return NGX_HTTP_AGW_SQLITE_NO_FILE;
    }

    if (!ngx_is_file(&fi)) {
        return NGX_HTTP_AGW_SQLITE_NOT_FILE;
    }

    return (uint64_t) ngx_file_uniq(&fi) ^ (uint64_t) fi.st_dev << 48;
}


/* SQLite looks where links led when it opened the file, and at the inode */

int
ngx_http_agw_sqlite_moved(sqlite3 *db, const char *path, uint64_t file_id)
{
    int  moved;

    moved = 0;

    (void) sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);

    return moved || ngx_http_agw_sqlite_file_id(path) != file_id;
}


agw_str_t
ngx_http_agw_sqlite_column(sqlite3_stmt *stmt, int column)
{
    agw_str_t  text;

    text.data = sqlite3_column_text(stmt, column);
    text.len = text.data ? sqlite3_column_bytes(stmt, column) : 0;

    return text;
}
