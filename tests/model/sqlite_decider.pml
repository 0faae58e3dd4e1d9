/* An SQLite file decides: the coordinator's open transaction holds the file's write lock from its first write until it
   commits or is gone. No abort row: who holds the lock and finds no row knows that it is aborted.
   A COMMIT that failed or died half-way may be in the file's log without being visible; when the log is next recovered
   it comes to life, still without being synced. So an answer waits for a durable COMMIT of the asker's own, which
   overwrites the one and syncs the other. */
bool lock;
bool owned;     /* the lock is the coordinator's */
bool invisible; /* a COMMIT that is in the log only */
bool synced;    /* the row outlives a loss of power */

proctype Log() { /* whoever holds the lock would die with the power: that is as if it had never asked */
end:
  do
  :: atomic { invisible && !lock -> invisible = false; row = commit; decider = committed }
  :: atomic { invisible && !lock -> invisible = false; decider = aborted } /* overwritten by a writer, or power lost */
  :: atomic { row == commit && !synced && !lock -> row = none; decider = aborted } /* power lost */
  od
}
inline runDecider() { run Log() }

inline ownLock() { atomic { !lock -> lock = true; owned = true } }
#ifdef MUTATION_LOCK_AFTER_PREPARE
inline beginAtDecider() { skip }
#else
inline beginAtDecider() { ownLock() }
#endif
inline leaveLock() { if :: owned -> lock = false; owned = false :: else fi }
inline leaveDecider() { if :: decider == open && !invisible -> decider = aborted; leaveLock() :: else fi }

inline readRow(seen) { seen = row }
inline deleteRow() { atomic { !lock -> row = none; synced = false } }
inline cleanAbort() { assert(false) } /* there is no such row */

inline look(answer) {
  if
  :: row == commit -> answer = commit
  :: else -> answer = abort
  fi
}
inline takeLock() { atomic { !lock -> lock = true } }
inline commitAnything() { /* durably, which ends the lock as well */
  atomic {
#ifndef MUTATION_ASKER_COMMITS_NOTHING
    if :: invisible -> invisible = false; decider = aborted :: else fi;
    synced = (row == commit);
#endif
#ifdef MUTATION_LOCK_KEPT
    skip
#else
    lock = false
#endif
  }
}
inline settle(answer) { takeLock(); look(answer); commitAnything() }
#ifdef MUTATION_RECOVERER_LOOKS_BEFORE_LOCK
inline recovererSettles(answer) { look(answer); takeLock(); commitAnything() }
#else
inline recovererSettles(answer) { settle(answer) }
#endif
#ifdef MUTATION_UNSYNCED_ROW_TRUSTED
#define seenIsDurable true
#else
#define seenIsDurable false
#endif

inline decide(answer) {
#ifdef MUTATION_LOCK_AFTER_PREPARE
  ownLock();
#endif
  if
  :: atomic { row = commit; synced = true; decider = committed; leaveLock(); answer = commit }
  :: atomic { decider = aborted; leaveLock(); answer = abort }
  :: atomic { decider = aborted; leaveLock() } /* an error that says nothing, and nothing in the log */
  :: atomic { invisible = true; leaveLock() }
  fi;
  mayDie();
  if
  :: answer != none
  :: answer == none ->
#ifdef MUTATION_ABORTED_WITHOUT_ASKING
     answer = abort
#else
     settle(answer)
#endif
  fi
}
