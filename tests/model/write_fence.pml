/* What each writer of ours does first: it takes the file's write lock and looks for work that the file still lacks. One
   step, since marker and file stay as they are under the lock: who waits for it cannot tell how long that takes. */

#define lacks(t, f) (follower[t] == f && holds(decider[t], ROW(t)) && !holds(f, ROW(t)))
#define late(t, f) (follower[t] == f && holds(decider[t], SHARE(t)) && !holds(f, SHARE(t)))

inline enter(f) { /* blocked: somebody else has the lock, or must do something first */
  blocked = false;
  if
  :: atomic {
       lock[f] == NOBODY ->
       lock[f] = me;
       named = marker[f];
       if
       :: named == 0
       :: named == EMPTY -> marker[f] = 0; asked = false
       :: named != 0 && named != EMPTY && holds(f, ROW(named - 1)) -> marker[f] = 0
       :: named != 0 && named != EMPTY && !holds(f, ROW(named - 1)) -> askDecider(f, named - 1)
       fi;
#ifdef MUTATION_MARKER_HIDES_PEERS
       asked = asked || named != 0;
#endif
       named = 0;
       if
       :: !blocked && !asked && holds(f, LISTED) && (lacks(0, f) || lacks(1, f)) -> blocked = true
       :: else
       fi;
       if
       :: !blocked && (late(0, f) || late(1, f)) -> assert(nobody_gets_past)
       :: else
       fi;
       mayDie()
     }
  :: blocked = true
  fi
}
inline askDecider(f, t) {
  if
#ifdef MUTATION_ABSENT_ROW_TRUSTED
  :: !holds(decider[t], ROW(t)) -> marker[f] = 0
#endif
#ifdef MUTATION_FENCE_ASKS_NOBODY
  :: marker[f] = 0
#endif
#ifdef MUTATION_MARKER_WRITTEN_WITHOUT_LOCK
  :: named == me
#endif
  :: settle(decider[t], t, answer);
     if
     :: answer == abort -> marker[f] = 0
     :: else -> blocked = true
     fi;
     answer = none
  :: blocked = true; /* the row was seen; busy; unreachable */
     if
     :: lock[decider[t]] == me && cleaned[t] && losses == 0 -> assert(next_not_held_up)
     :: else
     fi
  fi
}

proctype Writer() {
  byte me = WRITER;
  byte named;
  bool asked, blocked, ok;
  bool sure = false;
  mtype answer = none;

  atomic { power -> start() };
  {
    enter(1);
    if
    :: blocked
    :: else -> atomic { commitAt(1, visible[1] | WRITTEN) }
    fi
  } untilPowerIsLost;
dead:
  atomic { leave(); over++; answer = none; named = 0; blocked = false; ok = false; asked = false }
}
