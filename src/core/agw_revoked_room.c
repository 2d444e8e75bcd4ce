
/*
 * Room for an entry is reserved before it is written to the store: a write that
 * succeeds always has its place in the set, and if there is no room, only that
 * write is refused.
 */


#include "agw_revoked_accounts.h"


/* merged entries that are removed at a time if there is no room */

#define AGW_REVOKED_REMOVED  64


static agw_revoked_result_t agw_revoked_can_reserve(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account);
static uint32_t agw_revoked_unreserved(const agw_revoked_set_t *set);


agw_revoked_result_t
agw_revoked_set_reserve(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned process)
{
    uint32_t              account, slots;
    agw_revoked_result_t  result;

    if (process >= AGW_REVOKED_PROCESSES
        || set->reserved[process].writes == UINT16_MAX)
    {
        return AGW_REVOKED_SET_FULL;
    }

    slots = (revocation->kind == AGW_REVOCATION_BUSINESS);

    agw_revoked_write_begin(set);

    account = agw_revoked_account_find(set, revocation->partner_id);

    /* if nothing is reserved now, the process that reserved it has died */

    if (account != 0 && set->reserved_writes == 0) {
        agw_revoked_entry(set, account)->reserved = 0;
    }

    result = agw_revoked_can_reserve(set, revocation, account);

    if (result == AGW_REVOKED_SET_OK) {
        if (account == 0) {
            account = agw_revoked_account_open(set,
                              agw_siphash(set->key, revocation->partner_id));
        }

        agw_revoked_entry(set, account)->reserved++;

        set->reserved[process].writes++;
        set->reserved[process].slots += slots;
        set->reserved_writes++;
        set->reserved_slots += slots;
    }

    agw_revoked_write_end(set);

    return result;
}


void
agw_revoked_set_release(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned process)
{
    uint32_t              account, slots;
    agw_revoked_entry_t  *partner;

    slots = (revocation->kind == AGW_REVOCATION_BUSINESS);

    agw_revoked_write_begin(set);

    account = agw_revoked_account_find(set, revocation->partner_id);
    partner = account ? agw_revoked_entry(set, account) : NULL;

    if (partner != NULL && partner->reserved != 0) {
        partner->reserved--;
    }

    /* unless agw_revoked_set_release_all() was called meanwhile */

    if (process < AGW_REVOKED_PROCESSES && set->reserved[process].writes != 0
        && set->reserved[process].slots >= slots)
    {
        set->reserved[process].writes--;
        set->reserved[process].slots -= slots;
        set->reserved_writes--;
        set->reserved_slots -= slots;
    }

    /* if the account was created for this write, and the write failed */

    if (partner != NULL && partner->reserved == 0) {
        agw_revoked_account_close(set, account);
        agw_revoked_table_reclaim(&set->table);
    }

    agw_revoked_write_end(set);
}


void
agw_revoked_set_release_all(agw_revoked_set_t *set, unsigned process)
{
    if (process >= AGW_REVOKED_PROCESSES) {
        return;
    }

    agw_revoked_write_begin(set);

    set->reserved_writes -= set->reserved[process].writes;
    set->reserved_slots -= set->reserved[process].slots;
    set->reserved[process].writes = 0;
    set->reserved[process].slots = 0;

    agw_revoked_write_end(set);
}


agw_revoked_result_t
agw_revoked_make_room(agw_revoked_set_t *set, uint32_t needed)
{
    if ((uint64_t) set->table.free_count + set->merged_count + set->mergeable
        < (uint64_t) set->reserved_slots + needed)
    {
        return AGW_REVOKED_SET_FULL;
    }

    while (agw_revoked_unreserved(set) < needed) {

        if (set->merged == 0) {
            agw_revoked_merge(set, agw_revoked_largest(set));
        }

        agw_revoked_remove_merged(set, AGW_REVOKED_REMOVED);
    }

    return AGW_REVOKED_SET_OK;
}


/*
 * A token or an owner can always be merged into its account, which therefore
 * must exist.  Its room is refused all the same, unless other entries of that
 * partner are being written: a cut-off is raised only if that is inevitable.
 * An entry of a business cannot be merged, and needs a slot.
 */

static agw_revoked_result_t
agw_revoked_can_reserve(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account)
{
    uint32_t                    n, needed;
    const agw_revoked_entry_t  *partner;

    partner = account ? agw_revoked_entry(set, account) : NULL;
    needed = (partner == NULL) + (revocation->kind != AGW_REVOCATION_PARTNER);

    n = agw_revoked_table_find(&set->table, revocation->kind,
                               agw_revoked_id(set, revocation));

    if (partner != NULL && revocation->kind != AGW_REVOCATION_BUSINESS
        && (n != 0 || agw_revoked_is_refused(revocation, partner)))
    {
        return AGW_REVOKED_SET_OK;
    }

    /* unfinished writes count as entries */

    if (partner != NULL && n == 0 && revocation->kind == AGW_REVOCATION_BUSINESS
        && partner->businesses + partner->reserved
           >= set->table.capacity / AGW_REVOKED_SHARE)
    {
        return AGW_REVOKED_SET_SHARE_USED;
    }

    if (agw_revoked_make_room(set, needed) == AGW_REVOKED_SET_OK) {
        return AGW_REVOKED_SET_OK;
    }

    return partner != NULL && partner->reserved != 0
           && revocation->kind != AGW_REVOCATION_BUSINESS
           ? AGW_REVOKED_SET_OK : AGW_REVOKED_SET_FULL;
}


static uint32_t
agw_revoked_unreserved(const agw_revoked_set_t *set)
{
    return set->table.free_count > set->reserved_slots
           ? set->table.free_count - set->reserved_slots : 0;
}
