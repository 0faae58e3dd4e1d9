/* The session that commits: PREPARE everywhere, decide, then COMMIT PREPARED everywhere. It may die anywhere. */
inline mayDie() { if :: goto dead :: skip fi }

proctype Coordinator() {
  byte i;
  bool left = false; /* a share that could not be finished in time */
  mtype answer = none;

  beginAtDecider();
  do
  :: i < N -> flight[i] = true; i++; mayDie()
  :: else -> break
  od;
  i = 0;
  do
  :: i < N ->
     if
     :: ready[i] -> i++
#ifdef MUTATION_PREPARE_ANSWERED_ROLLBACK
     :: share[i] == aborted -> i++
#endif
     :: goto undo /* refused, timed out or lost */
     fi
  :: else -> break
  od;
  mayDie();
#ifdef MUTATION_FOLLOWERS_FIRST
  commitPrepared(0);
#endif
  decide(answer);
  mayDie();
  if
  :: answer == abort -> goto undo
  :: else
  fi;

  told = committed; /* what stays prepared from here on is pending */
  asking = false;
#ifdef MUTATION_COORDINATOR_FORGETS_EARLY
  deleteRow();
#endif
  i = 0;
  do
  :: i < N ->
     if
     :: commitPrepared(i)
     :: left = true
     fi;
     i++;
     mayDie()
  :: else -> break
  od;
  if
  :: !left -> deleteRow()
  :: else
  fi;
  goto dead;

undo: /* COMMIT was never sent to the decider, or is known to have failed; an abort row is not needed for that */
  told = aborted;
  asking = false;
  if
  :: atomic { leaveDecider() }
  :: true /* it ends with the connection */
  fi;
  i = 0;
  do
  :: i < N ->
     if
     :: rollbackPrepared(i)
     :: true /* lost: recovery finds it */
     fi;
     i++;
     mayDie()
  :: else -> break
  od;

dead:
  atomic { leaveDecider(); asking = false; gone = true }
}
