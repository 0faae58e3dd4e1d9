/* Atomic commit over N followers that can PREPARE and one decider: the decision is a row at the decider, committed
   together with the decider's share. -DSQLITE: the decider is an SQLite file, else a PostgreSQL server.
   - Messages are executed at any time, also when their sender is dead or has given up (Follower, Decider).
   - Nobody has a clock: ages and timeouts are choices. A recoverer may ask as soon as a share is prepared.
   - Each MUTATION_ breaks the protocol on purpose. README.md says how, and what the model leaves out. */
#ifndef N
#define N 2
#endif
mtype = { none, open, prepared, committed, aborted, pending, commit, abort };

mtype share[N] = open; /* a follower's: open -> prepared -> committed or aborted, or open -> aborted */
bool flight[N];        /* PREPARE is under way */
bool ready[N];         /* its answer: prepared */
mtype decider = open;  /* the decider's transaction; open: in progress */
mtype row = none;      /* the decision; pending: inserted by the decider's transaction, which has not committed yet */
mtype told = none;     /* what the caller heard: committed, aborted, or nothing (in doubt, or died) */
bool asking = true;    /* the coordinator may still ask what became of its COMMIT */
bool gone;             /* the coordinator is dead, or done */
byte committedShares, abortedShares;
byte passes;           /* of recovery, that are over */

/* The promises. pan names the one that does not hold: the variables are never set. */
bool all_or_nothing, told_the_truth, nothing_prepared, no_row_left;
#define torn (decider == committed && abortedShares > 0 || decider != committed && committedShares > 0)
#define lied (told == committed && decider != committed || told == aborted && decider == committed)

inline abortShare(i) { share[i] = aborted; abortedShares++ }
/* Where nothing is prepared the answer is "does not exist", which is fine. */
inline commitPrepared(i) {
  atomic { if :: share[i] == prepared -> share[i] = committed; committedShares++ :: else fi }
}
inline rollbackPrepared(i) {
  atomic { if :: share[i] == prepared -> abortShare(i) :: else fi }
}

#ifdef SQLITE
#include "sqlite_decider.pml"
#else
#include "postgres_decider.pml"
#endif
#include "coordinator.pml"
#include "recoverer.pml"

proctype Follower(byte i) {
end:
  do
  :: atomic { share[i] == open && flight[i] -> flight[i] = false; share[i] = prepared; ready[i] = true }
  :: atomic { share[i] == open -> flight[i] = false; abortShare(i) } /* refused; connection or server lost */
  od
}

active proctype Monitor() { /* sees every state */
end:
  if
  :: torn -> assert(all_or_nothing)
  :: lied -> assert(told_the_truth)
  fi
}

inline awaitShares() {
  i = 0;
  do
  :: i < N -> share[i] != open; i++
  :: else -> break
  od
}
init {
  byte i;
  atomic {
    do
    :: i < N -> run Follower(i); i++
    :: else -> break
    od;
    runDecider();
    run Coordinator();
    run Recoverer(false);
    run Recoverer(false)
  };
  (gone && decider != open && passes == 2);
#ifndef MUTATION_LATE_PREPARE_NOT_AWAITED
  awaitShares();
#endif
  run Recoverer(true);
  passes == 3;
  awaitShares();
  if :: committedShares + abortedShares < N -> assert(nothing_prepared) :: else fi;
  run Recoverer(true); /* a pass leaves the rows that it made itself to the next one */
  passes == 4;
  if :: row != none -> assert(no_row_left) :: else fi
}
