
/*
 * The digest is that of a hash: its first bytes choose the bucket.
 */


#include "agw_once.h"


agw_once_result_t
agw_once_use(agw_once_t *table, const unsigned char digest[AGW_ONCE_DIGEST],
    uint32_t owner, int64_t until, int64_t now)
{
    size_t             i, own;
    agw_once_entry_t  *entry, *room;

    entry = table->entries[(digest[0] << 8 | digest[1]) % AGW_ONCE_BUCKETS];
    room = NULL;
    own = 0;

    for (i = 0; i < AGW_ONCE_ENTRIES; i++, entry++) {

        if (entry->until < now) {
            room = entry;
            continue;
        }

        if (memcmp(entry->digest, digest, AGW_ONCE_DIGEST) == 0) {
            return AGW_ONCE_AGAIN;
        }

        own += (entry->owner == owner);
    }

    /* one owner alone cannot shut out the others */

    if (room == NULL || own >= AGW_ONCE_SHARE) {
        return AGW_ONCE_FULL;
    }

    memcpy(room->digest, digest, AGW_ONCE_DIGEST);
    room->owner = owner;
    room->until = until;

    return AGW_ONCE_FIRST;
}
