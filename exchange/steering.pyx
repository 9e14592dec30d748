# cython: language_level=3, boundscheck=False, wraparound=False
"""What controls.py decides, done to the slabs.

Lives here: phases, kill switches, protection, greeks and prevention groups. Does not know: whether a command is valid.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t

from exchange.cascade cimport finish_command
from exchange.core cimport FLAG_CANCEL_ON_DISCONNECT, FLAG_KILLED, FLAG_KILLED_ITSELF, Core
from exchange.phases cimport set_phase as set_phase_c
from matching.protection cimport mmp_reset, mmp_set


def set_phase(Core core, uint32_t instrument, int phase, int64_t until_ns, bint force):
    """Move a book to another phase, and let its auction trade; a RejectCode."""
    code = set_phase_c(&core.c, instrument, phase, until_ns, force)
    finish_command(&core.c)
    return code


def set_killed(Core core, str scope, uint32_t number, bint on):
    """A kill switch goes on or off; `kills` counts those that are on. A client's own and the venue's are two switches."""
    cdef uint8_t before, bit = 1
    if scope in ("key", "own_key"):
        bit = 1 if scope == "key" else 2
        before = core.c.killed_keys[number] & bit
        core.c.killed_keys[number] = (core.c.killed_keys[number] & ~bit) | (bit if on else 0)
    elif scope == "instrument":
        before, core.c.killed_instruments[number] = core.c.killed_instruments[number], on
    elif scope in ("account", "own_account"):
        bit = FLAG_KILLED if scope == "account" else FLAG_KILLED_ITSELF
        before = core.c.account_flags[number] & bit
        core.c.account_flags[number] = (core.c.account_flags[number] & ~bit) | (bit if on else 0)
    else:
        before, core.c.venue_killed = core.c.venue_killed, on
    core.c.kills += <int>on - <int>(before != 0)


def set_cancel_on_disconnect(Core core, uint32_t account, bint on):
    """The account's wish for the end of its last session."""
    cdef uint8_t flag = FLAG_CANCEL_ON_DISCONNECT if on else 0
    core.c.account_flags[account] = (core.c.account_flags[account] & ~FLAG_CANCEL_ON_DISCONNECT) | flag


def set_protection(Core core, uint32_t account, int group, int64_t lots, int64_t delta, int64_t vega, int64_t window_ns,
                   int64_t frozen_ns):
    """Limits of a protection group; False when all groups are given out."""
    return mmp_set(core.c.engine, account, group, lots, delta, vega, window_ns, frozen_ns) == 0


def reset_protection(Core core, uint32_t account, int group):
    """Unfreeze a protection group."""
    mmp_reset(core.c.engine, account, group)


def set_greeks(Core core, uint32_t instrument, int64_t delta, int64_t vega):
    """What one lot counts in protection sums."""
    core.c.engine.more[instrument].delta, core.c.engine.more[instrument].vega = delta, vega


def set_prevention_group(Core core, uint32_t account, uint32_t group):
    """Accounts of one group do not trade with each other, 0 = in none."""
    core.c.engine.owners[account].group = group
    if group:
        core.c.engine.groups_used = 1
