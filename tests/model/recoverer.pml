/* One pass of recovery: reads the decision, then what is prepared; finishes that; cleans. Any but the last two may be
   killed or give up anywhere. */
inline mayStop() { if :: !last -> goto stop :: skip fi }

inline lookAtShares() {
  i = 0;
  do
  :: i < N -> found[i] = (share[i] == prepared); i++
  :: else -> break
  od
}

proctype Recoverer(bool last) {
  byte i;
  bool found[N];
  bool left = false; /* a prepared share that this pass leaves alone */
  mtype seen, answer;

#ifdef MUTATION_SHARES_BEFORE_ROW
  lookAtShares();
  readRow(seen);
#else
  readRow(seen);
  lookAtShares(); /* a share that is not prepared now, though its decision was there before, is finished for good */
#endif
  i = 0;
  do
  :: i < N && found[i] ->
     mayStop();
     if
     :: seenIsDurable && seen != none -> answer = seen /* a row that was there stays what it was */
     :: recovererSettles(answer)
     :: !last -> left = true; answer = none /* too young to ask */
     fi;
     mayStop();
     if
     :: answer == commit -> commitPrepared(i)
     :: answer == abort -> rollbackPrepared(i)
     :: else
     fi;
     i++
  :: i < N && !found[i] -> i++
  :: else -> break
  od;

  mayStop();
#ifdef MUTATION_COMMIT_ROW_TOO_EARLY
  left = false;
#endif
#ifdef MUTATION_COMMIT_ROW_KEPT
  left = left || seen == commit;
#endif
  if
  :: left
  :: !left && seen == commit ->
#ifndef MUTATION_NO_RETENTION
     if
     :: asking -> goto stop /* decision_retention is far longer than anybody asks */
     :: !asking
     fi;
     mayStop();
#endif
     deleteRow()
  :: !left && seen == abort -> cleanAbort()
  :: else
  fi;
stop:
  passes++
}
