
/*
 * Room for entries is held before they are written to the store: so a write
 * that succeeds always has its place, and a caller without one is refused
 * alone.
 */


#include "agw_revoked_accounts.h"


/* how many entries are removed at a time if there is no room */

#define AGW_REVOKED_SEEN_OFF  64


static agw_revoked_result_t agw_revoked_admits(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account);
static uint32_t agw_revoked_room(const agw_revoked_set_t *set);


agw_revoked_result_t
agw_revoked_set_reserve(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned seat)
{
    uint32_t              account, slots;
    agw_revoked_result_t  result;

    if (seat >= AGW_REVOKED_PROCESSES
        || set->seats[seat].writes == UINT16_MAX)
    {
        return AGW_REVOKED_SET_FULL;
    }

    slots = (revocation->kind == AGW_REVOCATION_BUSINESS);

    agw_revoked_begin(set);

    account = agw_revoked_account(set, revocation->partner_id);

    /* what a process held that died, once nobody else holds anything */

    if (account != 0 && set->writes == 0) {
        agw_revoked_entry(set, account)->held = 0;
    }

    result = agw_revoked_admits(set, revocation, account);

    if (result == AGW_REVOKED_SET_OK) {
        if (account == 0) {
            account = agw_revoked_open_account(set,
                              agw_siphash(set->key, revocation->partner_id));
        }

        agw_revoked_entry(set, account)->held++;

        set->seats[seat].writes++;
        set->seats[seat].slots += slots;
        set->writes++;
        set->slots += slots;
    }

    agw_revoked_end(set);

    return result;
}


void
agw_revoked_set_release(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned seat)
{
    uint32_t              account, slots;
    agw_revoked_entry_t  *by;

    slots = (revocation->kind == AGW_REVOCATION_BUSINESS);

    agw_revoked_begin(set);

    account = agw_revoked_account(set, revocation->partner_id);
    by = account ? agw_revoked_entry(set, account) : NULL;

    if (by != NULL && by->held != 0) {
        by->held--;
    }

    /* a seat may have been vacated meanwhile */

    if (seat < AGW_REVOKED_PROCESSES && set->seats[seat].writes != 0
        && set->seats[seat].slots >= slots)
    {
        set->seats[seat].writes--;
        set->seats[seat].slots -= slots;
        set->writes--;
        set->slots -= slots;
    }

    /* the account was created for this write, which failed */

    if (by != NULL && by->held == 0) {
        agw_revoked_close_account(set, account);
        agw_revoked_table_reclaim(&set->table);
    }

    agw_revoked_end(set);
}


void
agw_revoked_set_release_all(agw_revoked_set_t *set, unsigned seat)
{
    if (seat >= AGW_REVOKED_PROCESSES) {
        return;
    }

    agw_revoked_begin(set);

    set->writes -= set->seats[seat].writes;
    set->slots -= set->seats[seat].slots;
    set->seats[seat].writes = 0;
    set->seats[seat].slots = 0;

    agw_revoked_end(set);
}


agw_revoked_result_t
agw_revoked_make_room(agw_revoked_set_t *set, uint32_t needed)
{
    if ((uint64_t) set->table.spare + set->left + set->counted
        < (uint64_t) set->slots + needed)
    {
        return AGW_REVOKED_SET_FULL;
    }

    while (agw_revoked_room(set) < needed) {

        if (set->leaving == 0) {
            agw_revoked_merge(set, agw_revoked_largest(set));
        }

        agw_revoked_see_off(set, AGW_REVOKED_SEEN_OFF);
    }

    return AGW_REVOKED_SET_OK;
}


/*
 * An entry of a partner can at least be merged into its account, which
 * therefore must exist; but the account's own cut-off is raised for it only if
 * other entries of that partner are being written as well.  An entry of a
 * business needs a slot of its own.
 */

static agw_revoked_result_t
agw_revoked_admits(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account)
{
    uint32_t                    n, needed;
    const agw_revoked_entry_t  *by;

    by = account ? agw_revoked_entry(set, account) : NULL;
    needed = (by == NULL) + (revocation->kind != AGW_REVOCATION_PARTNER);

    n = agw_revoked_table_find(&set->table, revocation->kind,
                               agw_revoked_id(set, revocation));

    if (by != NULL && revocation->kind != AGW_REVOCATION_BUSINESS
        && (n != 0 || agw_revoked_is_refused(revocation, by)))
    {
        return AGW_REVOKED_SET_OK;
    }

    /* writes that are not finished count as entries */

    if (by != NULL && n == 0 && revocation->kind == AGW_REVOCATION_BUSINESS
        && by->businesses + by->held
           >= set->table.capacity / AGW_REVOKED_SHARE)
    {
        return AGW_REVOKED_SET_SHARE_USED;
    }

    if (agw_revoked_make_room(set, needed) == AGW_REVOKED_SET_OK) {
        return AGW_REVOKED_SET_OK;
    }

    return by != NULL && by->held != 0
           && revocation->kind != AGW_REVOCATION_BUSINESS
           ? AGW_REVOKED_SET_OK : AGW_REVOKED_SET_FULL;
}


static uint32_t
agw_revoked_room(const agw_revoked_set_t *set)
{
    return set->table.spare > set->slots ? set->table.spare - set->slots : 0;
}
