
/*
 * Operators write these tables with the sqlite3 program, so the tables
 * themselves refuse what would be read wrongly, and the triggers end living
 * tokens, whoever wrote.
 */


#include "ngx_http_agw_sqlite_schema.h"


#define AGW_ID_CHECK(column)                                                  \
    " CHECK (length(" column ") BETWEEN 1 AND 128"                            \
    " AND " column " NOT GLOB '*[^A-Za-z0-9._~-]*')"

/*
 * A trigger knows neither max_lifetime nor leeway: its entry is kept for ten
 * years, which costs a row.
 */

#define AGW_CUT_OFF(kind, id)                                                 \
    "INSERT INTO revocations (kind, id, cutoff, expires_at)"                  \
    " VALUES ('" kind "', " id ","                                            \
    " CAST(strftime('%s', 'now') AS INTEGER),"                                \
    " CAST(strftime('%s', 'now') AS INTEGER) + 315360000);"


const char  ngx_http_agw_sqlite_schema[] =

    "CREATE TABLE partners ("
    " partner_id TEXT PRIMARY KEY"
        AGW_ID_CHECK("partner_id") ","
    " status TEXT NOT NULL DEFAULT 'active'"
        " CHECK (status IN ('active', 'disabled')),"
    " name TEXT"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE api_keys ("
    " partner_id TEXT NOT NULL"
        AGW_ID_CHECK("partner_id") ","
    " key_sha256 TEXT NOT NULL"
        " CHECK (length(key_sha256) = 64"
        " AND key_sha256 NOT GLOB '*[^0-9a-f]*'),"
    " not_before INTEGER NOT NULL DEFAULT 0 CHECK (not_before >= 0),"
    " expires_at INTEGER CHECK (expires_at > not_before),"
    " PRIMARY KEY (partner_id, key_sha256)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE businesses ("
    " business_id TEXT PRIMARY KEY"
        AGW_ID_CHECK("business_id") ","
    " partner_id TEXT NOT NULL"
        AGW_ID_CHECK("partner_id") ","
    " status TEXT NOT NULL DEFAULT 'active'"
        " CHECK (status IN ('active', 'archived'))"
    ") STRICT, WITHOUT ROWID;"

    /* the id of a token is <partner_id>:<jti> */

    "CREATE TABLE revocations ("
    " kind TEXT NOT NULL CHECK (kind IN ('token', 'business', 'partner')),"
    " id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 257"
        " AND id NOT GLOB '*[^A-Za-z0-9._~:-]*'),"
    " cutoff INTEGER NOT NULL DEFAULT 0 CHECK (cutoff >= 0),"
    " expires_at INTEGER NOT NULL CHECK (expires_at >= cutoff),"
    " PRIMARY KEY (kind, id)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TRIGGER revocation_shrinks BEFORE UPDATE ON revocations"
    " WHEN NEW.cutoff < OLD.cutoff OR NEW.expires_at < OLD.expires_at"
    " OR NEW.kind <> OLD.kind OR NEW.id <> OLD.id"
    " BEGIN SELECT RAISE(ABORT, 'cutoff and expires_at only ever grow');"
    " END;"

    /* an INSERT, whatever it says of conflicts, merges with what is there */

    "CREATE TRIGGER revocation_again BEFORE INSERT ON revocations"
    " WHEN EXISTS (SELECT 1 FROM revocations"
    " WHERE kind = NEW.kind AND id = NEW.id)"
    " BEGIN UPDATE revocations SET cutoff = max(cutoff, NEW.cutoff),"
    " expires_at = max(expires_at, NEW.expires_at)"
    " WHERE kind = NEW.kind AND id = NEW.id;"
    " SELECT RAISE(IGNORE); END;"

    "CREATE TRIGGER partner_disabled AFTER UPDATE ON partners"
    " WHEN (OLD.status = 'active' AND NEW.status <> 'active')"
    " OR OLD.partner_id <> NEW.partner_id"
    " BEGIN " AGW_CUT_OFF("partner", "OLD.partner_id") " END;"

    "CREATE TRIGGER partner_deleted AFTER DELETE ON partners"
    " BEGIN " AGW_CUT_OFF("partner", "OLD.partner_id") " END;"

    "CREATE TRIGGER business_archived_or_moved AFTER UPDATE ON businesses"
    " WHEN (OLD.status = 'active' AND NEW.status <> 'active')"
    " OR OLD.partner_id <> NEW.partner_id"
    " OR OLD.business_id <> NEW.business_id"
    " BEGIN " AGW_CUT_OFF("business", "OLD.business_id") " END;"

    "CREATE TRIGGER business_deleted AFTER DELETE ON businesses"
    " BEGIN " AGW_CUT_OFF("business", "OLD.business_id") " END;"

    /* INSERT OR REPLACE removes a row without a word to the triggers above */

    "CREATE TRIGGER partner_replaced BEFORE INSERT ON partners"
    " WHEN EXISTS (SELECT 1 FROM partners WHERE partner_id = NEW.partner_id"
    " AND status = 'active' AND NEW.status <> 'active')"
    " BEGIN " AGW_CUT_OFF("partner", "NEW.partner_id") " END;"

    "CREATE TRIGGER business_replaced BEFORE INSERT ON businesses"
    " WHEN EXISTS (SELECT 1 FROM businesses"
    " WHERE business_id = NEW.business_id"
    " AND (partner_id <> NEW.partner_id"
    " OR (status = 'active' AND NEW.status <> 'active')))"
    " BEGIN " AGW_CUT_OFF("business", "NEW.business_id") " END;"

    "PRAGMA user_version = 1;";


/*
 * Each change of a revocation gets the next number, so that whoever follows
 * them asks for what is new.  A row that is removed is not taken back by
 * those who know it.
 */

const char  ngx_http_agw_sqlite_schema_2[] =

    "CREATE TABLE revocation_log ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL"
    ") STRICT;"

    "CREATE TRIGGER revocation_made AFTER INSERT ON revocations"
    " BEGIN INSERT INTO revocation_log (kind, id)"
    " VALUES (NEW.kind, NEW.id); END;"

    "CREATE TRIGGER revocation_grew AFTER UPDATE ON revocations"
    " WHEN NEW.cutoff > OLD.cutoff OR NEW.expires_at > OLD.expires_at"
    " BEGIN INSERT INTO revocation_log (kind, id)"
    " VALUES (NEW.kind, NEW.id); END;"

    "PRAGMA user_version = 2";
