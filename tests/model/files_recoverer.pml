/* What t's decider says: a row that is there is believed once it is synced; that there is none, only when settled. */
inline ask() {
  if
#ifdef MUTATION_ABSENT_ROW_TRUSTED
  :: !holds(decider[t], ROW(t)) -> answer = abort
#endif
  :: atomic { holds(decider[t], ROW(t)) -> sync(decider[t]); answer = commit }
  :: settle(decider[t], t, answer)
  :: !sure -> answer = none
  fi
}
#ifdef POSTGRES
inline endPrepared() {
  ask();
  atomic {
    if
    :: answer == commit -> commitPrepared()
    :: answer == abort -> rollbackPrepared()
    :: else -> left = true
    fi;
    answer = none;
    mayDie()
  }
}
#endif
inline settleMarker() {
  if
  :: marker[follower[t]] == t + 1 ->
     ask();
     if
#ifdef MUTATION_MARKER_REMOVED_WITHOUT_LOCK
     :: answer == abort -> marker[follower[t]] = 0; answer = none
#endif
     :: atomic {
          lock[follower[t]] == NOBODY ->
          if
          :: marker[follower[t]] == t + 1 && (answer == abort || holds(follower[t], ROW(t))) -> marker[follower[t]] = 0
          :: else
          fi;
          answer = none;
          mayDie()
        }
     :: !sure -> answer = none
     fi
  :: atomic {
       marker[follower[t]] == EMPTY && lock[follower[t]] == NOBODY && !lacks(t, follower[t]) ->
       marker[follower[t]] = 0
     }
  :: else
  fi
}
inline forget() {
  if
#ifdef MUTATION_NO_RETENTION
  :: true ->
#else
  :: !asking[t] -> /* decision_retention is far longer than anybody asks */
#endif
     if
     :: atomic {
          lock[decider[t]] == NOBODY -> commitAt(decider[t], visible[decider[t]] & ~ROW(t));
          ok = false;
          mayDie()
        }
     :: !sure
     fi
  :: else
  fi
}
inline forgetFollowed() { /* looks at the follower first: a share may be decided and committed meanwhile */
  if
#ifdef MUTATION_DECIDER_READ_FIRST
  :: !holds(decider[t], ROW(t)) ->
     ok = holds(follower[t], ROW(t));
#else
  :: holds(follower[t], ROW(t)) ->
     atomic {
       ok = !holds(decider[t], ROW(t));
#ifndef MUTATION_DELETION_NOT_SYNCED
       sync(decider[t]);
#endif
       mayDie()
     };
#endif
     if
     :: ok ->
        if
        :: atomic {
             lock[follower[t]] == NOBODY -> commitAt(follower[t], visible[follower[t]] & ~ROW(t));
             ok = false;
             mayDie()
           }
        :: !sure -> ok = false
        fi
     :: else
     fi
  :: else
  fi
}

/* One pass of recovery. Any but the last two may be killed or give up anywhere. */
proctype Recoverer(byte me; bool sure) {
  byte t;
  bool seen, left, ok, finished, asked;
  mtype answer = none;

  atomic { power -> start() };
  {
    do
    :: t < COORDINATORS ->
       atomic { seen = holds(decider[t], ROW(t)); left = false };
#ifdef POSTGRES
       if
       :: t == 0 && share == prepared -> endPrepared() /* looked for after the row */
       :: else
       fi;
#endif
       if
       :: seen -> redo(t); left = left || !finished; finished = false
       :: else
       fi;
       settleMarker();
#ifdef MUTATION_COMMIT_ROW_TOO_EARLY
       left = false;
#endif
       if
       :: seen && !left -> forget()
       :: else
       fi;
       forgetFollowed();
       atomic { t++; seen = false; left = false }
    :: else -> break
    od
  } untilPowerIsLost;
dead:
  atomic {
    leave();
    if :: sure -> passes++ :: else -> over++ fi;
    t = 0; seen = false; left = false; ok = false; finished = false; asked = false; answer = none
  }
}
