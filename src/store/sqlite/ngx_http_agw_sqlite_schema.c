
/*
 * Operators write to these tables with the sqlite3 program.  So CHECKs refuse
 * malformed values, and triggers revoke tokens, whichever program writes.
 */


#include "ngx_http_agw_sqlite_schema.h"


#define AGW_ID_CHECK(column)                                                  \
    " CHECK (length(" column ") BETWEEN 1 AND 128"                            \
    " AND " column " NOT GLOB '*[^A-Za-z0-9._~-]*')"

#define AGW_YEAR_2200   "7258118400"

#define AGW_NOW         "CAST(strftime('%s', 'now') AS INTEGER)"

#define AGW_NOW_MS                                                            \
    "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


/* makes the next stamp, which then is in the clock */

#define AGW_NEXT_STAMP                                                        \
    "UPDATE clock SET stamp = max(stamp + 1, " AGW_NOW_MS ")"

/*
 * Revokes all tokens of a kind and id.  Only older versions of this module
 * read cutoff, which they compare with iat and which therefore includes
 * "ahead", and expires_at.
 */

#define AGW_CUT_OFF(kind, id)                                                 \
    AGW_NEXT_STAMP ";"                                                        \
    " INSERT INTO revocations"                                                \
    " (kind, id, cutoff, expires_at, seq, time, elapsed)"                     \
    " SELECT '" kind "', " id ", " AGW_NOW " + ahead,"                        \
    " " AGW_NOW " + ahead + max(horizon, 604800), stamp, " AGW_NOW ","        \
    " elapsed FROM clock;"

/*
 * Older modules do not know the kind "owner".  For them, an entry of a business
 * is written with it.
 */

#define AGW_BUSINESS_OF_OWNER   "substr(NEW.id, instr(NEW.id, ':') + 1)"

#define AGW_FOR_LEGACY                                                        \
    "UPDATE clock SET legacy = 2;"                                            \
    " UPDATE revocations SET cutoff = max(cutoff, NEW.cutoff),"                \
    " expires_at = max(expires_at, NEW.expires_at),"                          \
    " elapsed = (SELECT elapsed FROM clock)"                                  \
    " WHERE kind = 'business' AND id = " AGW_BUSINESS_OF_OWNER ";"            \
    " INSERT INTO revocations"                                                \
    " (kind, id, cutoff, expires_at, seq, elapsed)"                           \
    " SELECT 'business', " AGW_BUSINESS_OF_OWNER ","                          \
    " NEW.cutoff, NEW.expires_at, -1, (SELECT elapsed FROM clock)"            \
    " WHERE NOT EXISTS (SELECT 1 FROM revocations"                            \
    " WHERE kind = 'business' AND id = " AGW_BUSINESS_OF_OWNER ");"           \
    " UPDATE clock SET legacy = 1;"

/*
 * The time of an entry that an operator or an older module wrote: not before
 * now for a token, not after now for a cut-off.
 */

#define AGW_TIME_OF(row)                                                      \
    "CASE " row ".kind WHEN 'token' THEN max(" row ".cutoff, " AGW_NOW ")"    \
    " ELSE min(" row ".cutoff, " AGW_NOW ") END"


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

    "CREATE TABLE revocations ("
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL,"
    " cutoff INTEGER NOT NULL DEFAULT 0,"
    " expires_at INTEGER NOT NULL,"
    " PRIMARY KEY (kind, id)"
    ") STRICT, WITHOUT ROWID;"

    "PRAGMA user_version = 1;";


const char  ngx_http_agw_sqlite_schema_2[] =

    "CREATE TABLE revocation_log ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL"
    ") STRICT;"

    "PRAGMA user_version = 2;";


/* triggers of this version and of all earlier ones */

const char  ngx_http_agw_sqlite_schema_drop[] =

    "DROP TRIGGER IF EXISTS clock_back;"
    "DROP TRIGGER IF EXISTS clock_gone;"
    "DROP TRIGGER IF EXISTS clock_twice;"
    "DROP TRIGGER IF EXISTS revocation_shrinks;"
    "DROP TRIGGER IF EXISTS revocation_gone;"
    "DROP TRIGGER IF EXISTS revocation_stamped;"
    "DROP TRIGGER IF EXISTS revocation_again;"
    "DROP TRIGGER IF EXISTS revocation_made;"
    "DROP TRIGGER IF EXISTS revocation_grew;"
    "DROP TRIGGER IF EXISTS revocation_logged;"
    "DROP TRIGGER IF EXISTS revocation_logged_again;"
    "DROP TRIGGER IF EXISTS revocation_of_owner;"
    "DROP TRIGGER IF EXISTS revocation_of_owner_again;"
    "DROP TRIGGER IF EXISTS partner_disabled;"
    "DROP TRIGGER IF EXISTS partner_deleted;"
    "DROP TRIGGER IF EXISTS business_archived_or_moved;"
    "DROP TRIGGER IF EXISTS business_deleted;"
    "DROP TRIGGER IF EXISTS partner_replaced;"
    "DROP TRIGGER IF EXISTS partner_run_over;"
    "DROP TRIGGER IF EXISTS business_replaced;"
    "DROP TRIGGER IF EXISTS business_run_over;"
    "DROP TRIGGER IF EXISTS api_key_dated;"
    "DROP TRIGGER IF EXISTS api_key_dated_again;";


/*
 * The table "clock" marks the next version.  user_version stays 2, so that an
 * nginx with an older module can go on using the file.
 */

const char  ngx_http_agw_sqlite_schema_clock[] =

    /*
     * The store's own time.  legacy is 1 if an nginx with an older module may
     * use the file, which does not know the kind "owner"; 2 while a trigger
     * writes an entry for it.
     */

    "CREATE TABLE clock ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " stamp INTEGER NOT NULL"
        " CHECK (stamp BETWEEN 0 AND 4503599627370496),"
    " floor INTEGER NOT NULL DEFAULT 0 CHECK (floor BETWEEN 0 AND stamp),"
    " elapsed INTEGER NOT NULL DEFAULT 0 CHECK (elapsed >= 0),"
    " horizon INTEGER NOT NULL DEFAULT 0 CHECK (horizon >= 0),"
    " ahead INTEGER NOT NULL DEFAULT 5 CHECK (ahead BETWEEN 5 AND 60),"
    " legacy INTEGER NOT NULL CHECK (legacy IN (0, 1, 2))"
    ") STRICT;"

    "INSERT INTO clock (one, stamp, legacy)"
    " VALUES (1, " AGW_NOW_MS ", 1);"

    /*
     * The id of a token is <partner_id>:<jti>; older modules append a colon
     * and a <business_id>.  The id of an owner is <partner_id>:<business_id>.
     * seq is the stamp, or -1 for an entry that only older modules read.
     * partner_id is the partner that revoked a business.
     */

    "ALTER TABLE revocations RENAME TO revocations_2;"

    "CREATE TABLE revocations ("
    " kind TEXT NOT NULL"
        " CHECK (kind IN ('token', 'owner', 'partner', 'business')),"
    " id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 257"
        " AND id NOT GLOB '*[^A-Za-z0-9._~:-]*'),"
    " cutoff INTEGER NOT NULL DEFAULT 0"
        " CHECK (cutoff BETWEEN 0 AND " AGW_YEAR_2200 "),"
    " expires_at INTEGER NOT NULL"
        " CHECK (expires_at BETWEEN cutoff AND " AGW_YEAR_2200 "),"
    " seq INTEGER NOT NULL DEFAULT 0,"
    " time INTEGER NOT NULL DEFAULT 0,"
    " elapsed INTEGER NOT NULL DEFAULT 0,"
    " partner_id TEXT,"
    " PRIMARY KEY (kind, id)"
    ") STRICT, WITHOUT ROWID;"

    "INSERT INTO revocations"
    " (kind, id, cutoff, expires_at, seq, time)"
    " SELECT kind, id, min(cutoff, " AGW_YEAR_2200 "),"
    " min(expires_at, " AGW_YEAR_2200 "),"
    " (SELECT stamp FROM clock) + row_number() OVER (ORDER BY cutoff),"
    " CASE WHEN kind <> 'token' THEN min(cutoff, " AGW_NOW ")"
    " WHEN id LIKE '%:%:%' THEN min(cutoff, " AGW_YEAR_2200 ")"
    " ELSE min(max(cutoff, " AGW_NOW "), " AGW_YEAR_2200 ") END"
    " FROM revocations_2;"

    "UPDATE clock SET stamp = stamp + (SELECT count(*) FROM revocations_2);"

    "DROP TABLE revocations_2;"

    /*
     * in another copy of the file, the change of this number has another tag
     */

    "ALTER TABLE revocation_log RENAME TO revocation_log_2;"

    "CREATE TABLE revocation_log ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL,"
    " tag INTEGER NOT NULL DEFAULT (random())"
    ") STRICT;"

    "INSERT INTO revocation_log (seq, kind, id)"
    " SELECT seq, kind, id FROM revocation_log_2 ORDER BY seq DESC LIMIT 1;"

    "DROP TABLE revocation_log_2;";


/*
 * What administration shows.  An API key without a key_id has one that is
 * derived from its digest.  last_used_at marks this version.
 */

const char  ngx_http_agw_sqlite_schema_admin[] =

    "ALTER TABLE partners ADD COLUMN scopes TEXT;"

    "ALTER TABLE api_keys ADD COLUMN key_id TEXT"
        AGW_ID_CHECK("key_id") ";"
    "ALTER TABLE api_keys ADD COLUMN name TEXT;"
    "ALTER TABLE api_keys ADD COLUMN created_at INTEGER"
        " CHECK (created_at BETWEEN 0 AND " AGW_YEAR_2200 ");"
    "ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER"
        " CHECK (last_used_at BETWEEN 0 AND " AGW_YEAR_2200 ");";


/*
 * Other credentials of partners.  The table "certificates" marks this version.
 */

const char  ngx_http_agw_sqlite_schema_credentials[] =

    "CREATE TABLE jwks ("
    " partner_id TEXT NOT NULL"
        AGW_ID_CHECK("partner_id") ","
    " kid TEXT NOT NULL"
        AGW_ID_CHECK("kid") ","
    " jwk TEXT NOT NULL CHECK (length(jwk) BETWEEN 2 AND 2048"
        " AND jwk GLOB '{*}'),"
    " PRIMARY KEY (partner_id, kid)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE certificates ("
    " partner_id TEXT NOT NULL"
        AGW_ID_CHECK("partner_id") ","
    " x5t_s256 TEXT NOT NULL CHECK (length(x5t_s256) = 43"
        " AND x5t_s256 NOT GLOB '*[^A-Za-z0-9_-]*'),"
    " not_after INTEGER"
        " CHECK (not_after BETWEEN 0 AND " AGW_YEAR_2200 "),"
    " PRIMARY KEY (partner_id, x5t_s256)"
    ") STRICT, WITHOUT ROWID;";


/* in a new store, which no older module has used */

const char  ngx_http_agw_sqlite_schema_new[] =

    "UPDATE clock SET legacy = 0;";


const char  ngx_http_agw_sqlite_schema_triggers[] =

    "CREATE INDEX IF NOT EXISTS revocations_by_seq"
    " ON revocations (seq, time, partner_id);"

    "CREATE INDEX IF NOT EXISTS revocations_for_legacy"
    " ON revocations (elapsed) WHERE seq = -1;"

    "CREATE TRIGGER clock_back BEFORE UPDATE ON clock"
    " WHEN NEW.one <> OLD.one OR NEW.stamp < OLD.stamp"
    " OR NEW.floor < OLD.floor OR NEW.elapsed < OLD.elapsed"
    " OR NEW.horizon < OLD.horizon OR NEW.ahead < OLD.ahead"
    " BEGIN SELECT RAISE(ABORT, 'the clock only goes ahead'); END;"

    "CREATE TRIGGER clock_gone BEFORE DELETE ON clock"
    " BEGIN SELECT RAISE(ABORT, 'the clock must stay'); END;"

    "CREATE TRIGGER clock_twice BEFORE INSERT ON clock"
    " WHEN EXISTS (SELECT 1 FROM clock)"
    " BEGIN SELECT RAISE(ABORT, 'there is one clock'); END;"

    "CREATE TRIGGER revocation_shrinks BEFORE UPDATE ON revocations"
    " WHEN NEW.cutoff < OLD.cutoff OR NEW.expires_at < OLD.expires_at"
    " OR NEW.seq < OLD.seq OR NEW.seq > (SELECT stamp FROM clock)"
    " OR NEW.time < OLD.time"
    " OR NEW.elapsed < OLD.elapsed"
    " OR NEW.kind <> OLD.kind OR NEW.id <> OLD.id"
    " BEGIN SELECT RAISE(ABORT, 'a revocation only ever grows'); END;"

    /* a row has to stay as long as a token that it refuses may be valid */

    "CREATE TRIGGER revocation_gone BEFORE DELETE ON revocations"
    " WHEN OLD.seq > (SELECT floor FROM clock)"
    " BEGIN SELECT RAISE(IGNORE); END;"

    "CREATE TRIGGER revocation_stamped BEFORE INSERT ON revocations"
    " WHEN NEW.seq > 0 AND NEW.seq <> (SELECT stamp FROM clock)"
    " BEGIN SELECT RAISE(ABORT, 'seq is given by the store'); END;"

    /* an INSERT, whatever its conflict clause, merges with the existing row */

    "CREATE TRIGGER revocation_again BEFORE INSERT ON revocations"
    " WHEN EXISTS (SELECT 1 FROM revocations"
    " WHERE kind = NEW.kind AND id = NEW.id)"
    " BEGIN"
    " " AGW_NEXT_STAMP " WHERE NEW.seq <= 0;"
    " UPDATE revocations SET cutoff = max(cutoff, NEW.cutoff),"
    " expires_at = max(expires_at, NEW.expires_at),"
    " seq = (SELECT stamp FROM clock),"
    " time = max(time, CASE WHEN NEW.seq > 0 THEN NEW.time"
    " ELSE " AGW_TIME_OF("NEW") " END),"
    " elapsed = (SELECT elapsed FROM clock),"
    " partner_id = ifnull(partner_id, NEW.partner_id)"
    " WHERE kind = NEW.kind AND id = NEW.id;"
    " SELECT RAISE(IGNORE); END;"

    /* a row of an operator or an older module gets its stamp here */

    "CREATE TRIGGER revocation_made AFTER INSERT ON revocations"
    " WHEN NEW.seq = 0"
    " BEGIN " AGW_NEXT_STAMP ";"
    " UPDATE revocations SET seq = (SELECT stamp FROM clock),"
    " time = " AGW_TIME_OF("NEW") ","
    " elapsed = (SELECT elapsed FROM clock)"
    " WHERE kind = NEW.kind AND id = NEW.id; END;"

    "CREATE TRIGGER revocation_grew AFTER UPDATE OF cutoff ON revocations"
    " WHEN NEW.cutoff > OLD.cutoff AND NEW.seq = OLD.seq AND OLD.seq > 0"
    " AND (SELECT legacy FROM clock) < 2"
    " BEGIN " AGW_NEXT_STAMP ";"
    " UPDATE revocations SET seq = (SELECT stamp FROM clock),"
    " time = max(time, " AGW_TIME_OF("NEW") "),"
    " elapsed = (SELECT elapsed FROM clock)"
    " WHERE kind = NEW.kind AND id = NEW.id; END;"

    "CREATE TRIGGER revocation_logged AFTER INSERT ON revocations"
    " BEGIN INSERT INTO revocation_log (kind, id)"
    " VALUES (NEW.kind, NEW.id); END;"

    "CREATE TRIGGER revocation_logged_again AFTER UPDATE ON revocations"
    " WHEN OLD.seq <> 0 AND (NEW.seq > OLD.seq OR NEW.cutoff > OLD.cutoff)"
    " BEGIN INSERT INTO revocation_log (kind, id)"
    " VALUES (NEW.kind, NEW.id); END;"

    /*
     * These rows are for older modules, and have no stamp.  No trigger that
     * may be active at the same time merges them.
     */

    "CREATE TRIGGER revocation_of_owner AFTER INSERT ON revocations"
    " WHEN NEW.kind = 'owner' AND (SELECT legacy FROM clock)"
    " BEGIN " AGW_FOR_LEGACY " END;"

    "CREATE TRIGGER revocation_of_owner_again AFTER UPDATE ON revocations"
    " WHEN NEW.kind = 'owner' AND NEW.seq > OLD.seq AND OLD.seq > 0"
    " AND (SELECT legacy FROM clock)"
    " BEGIN " AGW_FOR_LEGACY " END;"

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
    " BEGIN " AGW_CUT_OFF("owner", "OLD.partner_id || ':' || OLD.business_id")
    " END;"

    "CREATE TRIGGER business_deleted AFTER DELETE ON businesses"
    " BEGIN " AGW_CUT_OFF("owner", "OLD.partner_id || ':' || OLD.business_id")
    " END;"

    /* OR REPLACE removes a row without firing the triggers above */

    "CREATE TRIGGER partner_replaced BEFORE INSERT ON partners"
    " WHEN EXISTS (SELECT 1 FROM partners WHERE partner_id = NEW.partner_id"
    " AND status = 'active' AND NEW.status <> 'active')"
    " BEGIN " AGW_CUT_OFF("partner", "NEW.partner_id") " END;"

    "CREATE TRIGGER partner_run_over BEFORE UPDATE ON partners"
    " WHEN NEW.partner_id <> OLD.partner_id AND EXISTS"
    " (SELECT 1 FROM partners WHERE partner_id = NEW.partner_id)"
    " BEGIN " AGW_CUT_OFF("partner", "NEW.partner_id") " END;"

    "CREATE TRIGGER business_replaced BEFORE INSERT ON businesses"
    " WHEN EXISTS (SELECT 1 FROM businesses"
    " WHERE business_id = NEW.business_id"
    " AND (partner_id <> NEW.partner_id"
    " OR (status = 'active' AND NEW.status <> 'active')))"
    " BEGIN " AGW_CUT_OFF("owner", "(SELECT partner_id FROM businesses"
    " WHERE business_id = NEW.business_id) || ':' || NEW.business_id")
    " END;"

    "CREATE TRIGGER business_run_over BEFORE UPDATE ON businesses"
    " WHEN NEW.business_id <> OLD.business_id AND EXISTS"
    " (SELECT 1 FROM businesses WHERE business_id = NEW.business_id)"
    " BEGIN " AGW_CUT_OFF("owner", "(SELECT partner_id FROM businesses"
    " WHERE business_id = NEW.business_id) || ':' || NEW.business_id")
    " END;"

    "CREATE TRIGGER api_key_dated BEFORE INSERT ON api_keys"
    " WHEN NEW.not_before > " AGW_YEAR_2200
    " OR NEW.expires_at > " AGW_YEAR_2200
    " BEGIN SELECT RAISE(ABORT, 'not_before and expires_at must be Unix"
    " seconds before the year 2200'); END;"

    "CREATE TRIGGER api_key_dated_again BEFORE UPDATE ON api_keys"
    " WHEN NEW.not_before > " AGW_YEAR_2200
    " OR NEW.expires_at > " AGW_YEAR_2200
    " BEGIN SELECT RAISE(ABORT, 'not_before and expires_at must be Unix"
    " seconds before the year 2200'); END;"

    "PRAGMA user_version = 2;";


const char  ngx_http_agw_sqlite_revoke_sql[] =

    "INSERT INTO revocations"
    " (kind, id, cutoff, expires_at, seq, time, elapsed, partner_id)"
    " SELECT ?1, ?2, iif(?1 = 'token', ?3, " AGW_NOW " + ahead),"
    " max(?3, " AGW_NOW " + ahead) + max(horizon, 604800), stamp,"
    " iif(?1 = 'token', max(?3, " AGW_NOW "), " AGW_NOW "), elapsed, ?4"
    " FROM clock";

const char  ngx_http_agw_sqlite_next_stamp_sql[] = AGW_NEXT_STAMP;

const char  ngx_http_agw_sqlite_announce_sql[] =

    "UPDATE clock SET horizon = max(horizon, ?1), ahead = max(ahead, ?2)"
    " WHERE horizon < ?1 OR ahead < ?2";
