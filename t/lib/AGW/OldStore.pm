package AGW::OldStore;

# A store as it was before revocations had stamps: of version 1, which had no
# log of revocations, or 2.

use strict;
use warnings;

use AGW::Store;

my $ID = " BETWEEN 1 AND 128 AND %s NOT GLOB '*[^A-Za-z0-9._~-]*'";
my $NOW = "CAST(strftime('%s', 'now') AS INTEGER)";

my @tables = (<<'SQL', <<'SQL');
CREATE TABLE partners (
    partner_id TEXT PRIMARY KEY CHECK (length(partner_id) {partner_id}),
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'disabled')),
    name TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE api_keys (
    partner_id TEXT NOT NULL CHECK (length(partner_id) {partner_id}),
    key_sha256 TEXT NOT NULL CHECK (length(key_sha256) = 64
        AND key_sha256 NOT GLOB '*[^0-9a-f]*'),
    not_before INTEGER NOT NULL DEFAULT 0 CHECK (not_before >= 0),
    expires_at INTEGER CHECK (expires_at > not_before),
    PRIMARY KEY (partner_id, key_sha256)) STRICT, WITHOUT ROWID;
CREATE TABLE businesses (
    business_id TEXT PRIMARY KEY CHECK (length(business_id) {business_id}),
    partner_id TEXT NOT NULL CHECK (length(partner_id) {partner_id}),
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'archived'))) STRICT, WITHOUT ROWID;
CREATE TABLE revocations (
    kind TEXT NOT NULL CHECK (kind IN ('token', 'business', 'partner')),
    id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 257
        AND id NOT GLOB '*[^A-Za-z0-9._~:-]*'),
    cutoff INTEGER NOT NULL DEFAULT 0 CHECK (cutoff >= 0),
    expires_at INTEGER NOT NULL CHECK (expires_at >= cutoff),
    PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
CREATE TRIGGER revocation_shrinks BEFORE UPDATE ON revocations
    WHEN NEW.cutoff < OLD.cutoff OR NEW.expires_at < OLD.expires_at
        OR NEW.kind <> OLD.kind OR NEW.id <> OLD.id
    BEGIN SELECT RAISE(ABORT, 'cutoff and expires_at only ever grow'); END;
CREATE TRIGGER revocation_again BEFORE INSERT ON revocations
    WHEN EXISTS (SELECT 1 FROM revocations
        WHERE kind = NEW.kind AND id = NEW.id)
    BEGIN UPDATE revocations SET cutoff = max(cutoff, NEW.cutoff),
        expires_at = max(expires_at, NEW.expires_at)
        WHERE kind = NEW.kind AND id = NEW.id;
    SELECT RAISE(IGNORE); END;
CREATE TRIGGER partner_disabled AFTER UPDATE ON partners
    WHEN (OLD.status = 'active' AND NEW.status <> 'active')
        OR OLD.partner_id <> NEW.partner_id
    BEGIN {cut_off partner OLD.partner_id} END;
CREATE TRIGGER partner_deleted AFTER DELETE ON partners
    BEGIN {cut_off partner OLD.partner_id} END;
CREATE TRIGGER business_archived_or_moved AFTER UPDATE ON businesses
    WHEN (OLD.status = 'active' AND NEW.status <> 'active')
        OR OLD.partner_id <> NEW.partner_id
        OR OLD.business_id <> NEW.business_id
    BEGIN {cut_off business OLD.business_id} END;
CREATE TRIGGER business_deleted AFTER DELETE ON businesses
    BEGIN {cut_off business OLD.business_id} END;
CREATE TRIGGER partner_replaced BEFORE INSERT ON partners
    WHEN EXISTS (SELECT 1 FROM partners WHERE partner_id = NEW.partner_id
        AND status = 'active' AND NEW.status <> 'active')
    BEGIN {cut_off partner NEW.partner_id} END;
CREATE TRIGGER business_replaced BEFORE INSERT ON businesses
    WHEN EXISTS (SELECT 1 FROM businesses
        WHERE business_id = NEW.business_id
        AND (partner_id <> NEW.partner_id
            OR (status = 'active' AND NEW.status <> 'active')))
    BEGIN {cut_off business NEW.business_id} END;
PRAGMA user_version = 1;
SQL
CREATE TABLE revocation_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL) STRICT;
CREATE TRIGGER revocation_made AFTER INSERT ON revocations
    BEGIN INSERT INTO revocation_log (kind, id)
        VALUES (NEW.kind, NEW.id); END;
CREATE TRIGGER revocation_grew AFTER UPDATE ON revocations
    WHEN NEW.cutoff > OLD.cutoff OR NEW.expires_at > OLD.expires_at
    BEGIN INSERT INTO revocation_log (kind, id)
        VALUES (NEW.kind, NEW.id); END;
PRAGMA user_version = 2;
SQL


sub cut_off {
    my ($kind, $id) = @_;

    return 'INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " VALUES ('$kind', $id, $NOW, $NOW + 315360000);";
}


# the statements that make an empty one

sub schema {
    my ($version) = @_;

    my $sql = join '', @tables[0 .. $version - 1];

    $sql =~ s/\{(partner_id|business_id)\}/sprintf $ID, $1/ge;
    $sql =~ s/\{cut_off (\w+) ([\w.]+)\}/cut_off($1, $2)/ge;

    return $sql;
}


# A file of that version with what another store has, in place of one that
# is there.  What ends the tokens of an owner ended those of its business.

sub copy {
    my ($store, $file, $version) = @_;

    unlink $file, "$file-wal", "$file-shm";

    my $old = AGW::Store->new($file);

    $old->sql("PRAGMA journal_mode = WAL;\n" . schema($version)
        . "ATTACH '$store->{file}' AS now;"
        . 'INSERT INTO partners SELECT partner_id, status, name'
        . ' FROM now.partners;'
        . 'INSERT INTO api_keys SELECT partner_id, key_sha256, not_before,'
        . ' expires_at FROM now.api_keys;'
        . 'INSERT INTO businesses SELECT business_id, partner_id, status'
        . ' FROM now.businesses;'
        . 'INSERT INTO revocations SELECT kind, id, cutoff, expires_at'
        . " FROM now.revocations WHERE kind <> 'owner';"
        . 'INSERT INTO revocations'
        . " SELECT 'business', substr(id, instr(id, ':') + 1), cutoff,"
        . " expires_at FROM now.revocations WHERE kind = 'owner'"
        . " AND id GLOB '?*:?*';"
        . 'DETACH now;');

    return $old;
}


1;
