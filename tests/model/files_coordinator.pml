inline listPeers() { /* a commit of its own, before the file first follows */
#ifndef MUTATION_PEERS_NOT_LISTED
  if
  :: atomic { lock[follower[t]] == NOBODY -> commitAt(follower[t], visible[follower[t]] | LISTED); mayDie() }
  :: goto undo
  fi;
  if
  :: !ok -> goto undo
  :: ok -> ok = false
  fi
#else
  skip
#endif
}

/* What the redo is recorded on must be there when it is applied: nothing may come to life beneath it, or be lost. */
inline prepareFollower() {
#ifndef MUTATION_DORMANT_COMMIT_LEFT
  if
  :: dormant[follower[t]] != NOTHING -> goto undo
  :: else
  fi;
#endif
  atomic {
#ifndef MUTATION_BASE_NOT_SYNCED
    sync(follower[t]);
#endif
    base[t] = visible[follower[t]] & DATA;
    sendPrepare();
#ifndef MUTATION_NO_MARKER
    if
    :: marker[follower[t]] = EMPTY; goto dead
    :: marker[follower[t]] = t + 1
    fi;
#endif
    mayDie()
  }
}

inline resolveLater() { /* in doubt: gives up the follower, leaves the marker, and may ask once more */
  atomic { lock[follower[t]] = NOBODY; mayDie() };
  if
  :: settle(decider[t], t, answer)
  :: goto dead
  fi;
  told[t] = (answer == commit -> committed : aborted);
  goto dead
}

inline forgetDecided() {
  if
  :: atomic {
       lock[decider[t]] == NOBODY -> commitAt(decider[t], visible[decider[t]] & ~ROW(t));
       mayDie()
     }
  :: goto dead
  fi;
  if
  :: !ok -> goto dead
  :: ok
  fi
}
inline forgetFollowing() {
  if
  :: atomic {
       lock[follower[t]] == NOBODY ->
#ifndef MUTATION_MARKER_LEFT
       if :: marker[follower[t]] == t + 1 -> marker[follower[t]] = 0 :: else fi;
#endif
       commitAt(follower[t], visible[follower[t]] & ~ROW(t));
       mayDie()
     }
  :: goto dead
  fi
}
inline clean() { /* the decider's row first, durably */
#ifdef MUTATION_FOLLOWER_FORGETS_FIRST
  forgetFollowing();
  forgetDecided()
#else
  forgetDecided();
  forgetFollowing();
  cleaned[t] = ok
#endif
}

/* The session that commits: it works on the decider, then on the follower, and holds both write locks until it commits
   there. It may die anywhere. */
proctype Coordinator(byte t) {
  byte me = t + 1;
  byte file, named, i;
  bool asked, blocked, ok, finished;
  bool sure = false;
  mtype answer = none;

  atomic { power -> start() };
  {
#if LOSSES > 0 /* else nobody asks */
    if
    :: !holds(follower[t], LISTED) -> listPeers()
    :: else
    fi;
#endif
#ifdef MUTATION_MARKER_WRITTEN_WITHOUT_LOCK
    marker[follower[t]] = t + 1;
#endif
    do
    :: i < 2 ->
       file = (i == 0 -> decider[t] : follower[t]);
       enter(file);
       if
       :: blocked -> goto undo
       :: else -> i++
       fi
    :: else -> break
    od;
    prepareFollower();
    awaitPrepared();

    atomic {
      commitAt(decider[t], visible[decider[t]] | SHARE(t) | ROW(t));
      if :: ok -> answer = commit :: else fi;
      mayDie()
    };
    if
    :: answer != none
    :: answer == none -> settle(decider[t], t, answer)
    :: answer == none -> resolveLater()
    fi;
    if
    :: answer == abort -> goto undo
    :: else
    fi;

    atomic { told[t] = committed; asking[t] = false; answer = none };
#ifdef MUTATION_MARKER_REMOVED_EARLY
    marker[follower[t]] = 0;
#endif
#ifdef MUTATION_COORDINATOR_FORGETS_EARLY
    atomic { lock[decider[t]] == NOBODY -> commitAt(decider[t], visible[decider[t]] & ~ROW(t)); ok = false };
#endif
    atomic {
      if
      :: holds(follower[t], SHARE(t)) -> assert(exactly_once)
      :: else
      fi;
      commitAt(follower[t], visible[follower[t]] | SHARE(t) | ROW(t));
      finished = ok;
      mayDie()
    };
    if
    :: finished
    :: !finished -> redo(t)
    fi;
#ifdef POSTGRES
    if
    :: t == 0 -> atomic { if :: commitPrepared() :: finished = false fi; mayDie() }
    :: else
    fi;
#endif
    if
    :: finished -> clean()
    :: else
    fi;
    goto dead;

  undo:
    atomic { told[t] = aborted; asking[t] = false };
    atomic {
      if
      :: lock[follower[t]] == me ->
         if :: marker[follower[t]] == t + 1 -> marker[follower[t]] = 0 :: else fi;
         lock[follower[t]] = NOBODY
      :: else
      fi;
      mayDie()
    };
#ifdef POSTGRES
    if
    :: t == 0 -> atomic { if :: rollbackPrepared() :: skip fi }
    :: else
    fi
#endif
  } untilPowerIsLost;
dead:
  atomic {
    leave();
    asking[t] = false;
    over++;
    file = 0; named = 0; i = 0; asked = false; blocked = false; ok = false; finished = false; answer = none
  }
}
