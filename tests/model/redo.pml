/* Does again at the follower what it lacks of a transaction that is decided. */
inline redo(t) { /* finished: the follower has the share, durably */
  finished = false;
#ifdef MUTATION_REDO_READS_BEFORE_LOCK
  ok = holds(decider[t], ROW(t));
#endif
  if
  :: atomic {
#ifndef MUTATION_BUSY_TAKEN_FOR_DEAD
       lock[follower[t]] == NOBODY ->
#endif
       lock[follower[t]] = me;
#ifndef MUTATION_REDO_READS_BEFORE_LOCK
       ok = holds(decider[t], ROW(t));
#endif
#ifndef MUTATION_UNSYNCED_ROW_TRUSTED
       if :: ok -> sync(decider[t]) :: else fi;
#endif
       mayDie()
     };
     atomic {
       if
       :: !ok -> lock[follower[t]] = NOBODY
       :: ok && holds(follower[t], ROW(t)) ->
#ifndef MUTATION_UNSYNCED_FOLLOWER_TRUSTED
          sync(follower[t]);
#endif
          lock[follower[t]] = NOBODY;
          finished = true
       :: ok && !holds(follower[t], ROW(t)) ->
          if
          :: holds(follower[t], SHARE(t)) -> assert(exactly_once)
          :: (visible[follower[t]] & DATA) != base[t] -> assert(redo_fits)
          :: else
          fi;
#ifdef MUTATION_REDO_ADDS_NO_ROW
          commitAt(follower[t], visible[follower[t]] | SHARE(t));
#else
          commitAt(follower[t], visible[follower[t]] | SHARE(t) | ROW(t));
#endif
          finished = ok
       fi;
       ok = false;
       mayDie()
     }
  :: !sure /* busy: its owner is alive, or another writer */
  fi
}
