/* A PostgreSQL server decides: the coordinator sends INSERT of the row and COMMIT in one go. The row's unique key lets
   one of commit and abort in; the one that comes second waits until the first is over, then collides. */
bool sent; /* INSERT and COMMIT are under way */

proctype Decider() {
end:
  do
#ifdef MUTATION_NO_UNIQUE_KEY
  :: atomic { sent && decider == open && row != pending -> row = pending }
#else
  :: atomic { sent && decider == open && row == none -> row = pending }
  :: atomic { sent && decider == open && row == abort -> decider = aborted }
#endif
  :: atomic { row == pending -> row = commit; decider = committed }
  :: atomic { /* COMMIT fails; connection or server lost, which a server may find out late */
       decider == open ->
       decider = aborted;
       if :: row == pending -> row = none :: else fi
     }
  od
}
inline runDecider() { run Decider() }
inline beginAtDecider() { skip }
inline leaveDecider() { skip }

/* What others can see of the row. */
inline readRow(seen) { atomic { seen = row; if :: seen == pending -> seen = none :: else fi } }
inline deleteRow() { atomic { if :: row != pending -> row = none :: else fi } }
inline cleanAbort() {
#ifndef MUTATION_ABORT_ROW_TOO_EARLY
  if
  :: decider != open
  :: decider == open -> goto stop
  fi;
#endif
  mayStop();
  deleteRow()
}

/* INSERT (txn, abort), then SELECT if it collides; the row may be deleted in between. */
inline settle(answer) {
  answer = none;
  do
  :: answer == none ->
     atomic {
#ifdef MUTATION_NO_UNIQUE_KEY
       answer = abort
#else
       row != pending ->
       if
       :: row == none -> row = abort; answer = abort
       :: else
       fi
#endif
     };
     if
     :: answer == none -> readRow(answer)
     :: else
     fi
  :: else -> break
  od
}
inline readInstead(answer) { readRow(answer); if :: answer == none -> answer = abort :: else fi }
inline recovererSettles(answer) {
#ifdef MUTATION_RECOVERER_INSERTS_NO_ABORT
  readInstead(answer)
#else
  settle(answer)
#endif
}
#define seenIsDurable true /* what readRow sees */

inline decide(answer) {
  sent = true;
  mayDie();
  if
  :: decider == committed -> answer = commit
  :: decider == aborted -> answer = abort
  :: true -> /* the answer is lost */
#if defined(MUTATION_ABORTED_WITHOUT_ASKING)
     answer = abort
#elif defined(MUTATION_SELECT_AFTER_LOST_ANSWER)
     readInstead(answer)
#else
     settle(answer)
#endif
  fi
}
