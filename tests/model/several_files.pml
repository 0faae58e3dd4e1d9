/* Atomic commit over two SQLite files, with -DPOSTGRES over a PostgreSQL server too: two transactions, a writer and
   recovery on the same files. File 0 decides over both; with -DCROSSED file 1 over the second, and file 0 follows there.
   - Processes die between any two steps. Power is lost LOSSES times: that ends all that run, and what was not synced.
   - Nobody has a clock: ages and timeouts are choices.
   - Each MUTATION_ breaks the protocol on purpose. README.md says how, and what the model leaves out. */
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef COORDINATORS
#define COORDINATORS 2
#endif
#ifndef WRITERS
#define WRITERS 0
#endif
#ifndef RECOVERERS
#define RECOVERERS 1
#endif
/* Of each transaction, a file. */
#ifdef CROSSED
byte decider[2] = {0, 1};
byte follower[2] = {1, 0};
#else
byte decider[2] = {0, 0};
byte follower[2] = {1, 1};
#endif

mtype = { none, open, prepared, committed, aborted, commit, abort };
mtype told[2] = none;    /* what the caller heard: committed, aborted, or nothing (in doubt, or died) */
bool asking[2] = true;   /* the coordinator may still ask what became of its COMMIT */
bool cleaned[2];         /* the coordinator got to its end, with nothing left to recovery */
byte over;               /* processes that are dead, or done */
bool quiet;              /* all are, and the last recovery begins */
byte passes;             /* of the last recovery, that are over */

/* The promises. pan names the one that does not hold: the variables are never set. */
bool all_or_nothing, exactly_once, redo_fits, nobody_gets_past, told_the_truth, next_not_held_up, nothing_left;

#include "sqlite_file.pml"
#include "power.pml"
#include "postgres_share.pml"
#include "write_fence.pml"
#include "redo.pml"
#include "files_coordinator.pml"
#include "files_recoverer.pml"

#define everSeen(f, bits) ((visible[f] | durable[f]) & (bits))
#define torn(t) (holds(follower[t], SHARE(t)) && !(durable[decider[t]] & SHARE(t)) || shareTorn(t))
/* The row that says what is to be done is gone before that is durable, or the one that says that it is done. */
#define lost(t) (holds(decider[t], SHARE(t)) && !holds(decider[t], ROW(t)) && !(durable[follower[t]] & SHARE(t)))
#define twice(t) (holds(follower[t], SHARE(t)) && !holds(follower[t], ROW(t)) && everSeen(decider[t], ROW(t)))
#define lied(t) (told[t] == committed && !(durable[decider[t]] & SHARE(t)) || \
                 told[t] == aborted && everSeen(decider[t], SHARE(t)))

active proctype Monitor() { /* sees every state */
end:
  if
  :: torn(0) || torn(1) -> assert(all_or_nothing)
  :: lost(0) || lost(1) || twice(0) || twice(1) -> assert(exactly_once)
  :: lied(0) || lied(1) -> assert(told_the_truth)
  fi
}

#define unlike(t) (holds(0, SHARE(t)) != holds(1, SHARE(t)))
#define left(t) (holds(0, ROW(t)) || holds(1, ROW(t)))

init {
  byte i;
  atomic {
    runPower();
    runServer();
    i = 0;
    do :: i < COORDINATORS -> run Coordinator(i); i++ :: else -> break od;
    i = 0;
    do :: i < WRITERS -> run Writer(); i++ :: else -> break od;
    i = 0;
    do :: i < RECOVERERS -> run Recoverer(RECOVERER + i, false); i++ :: else -> break od;
  };
  atomic { over == COORDINATORS + WRITERS + RECOVERERS -> quiet = true };
  awaitShare();
  run Recoverer(RECOVERER, true);
  passes == 1;
  run Recoverer(RECOVERER, true); /* a pass leaves to the next one what came up behind it */
  passes == 2;
  if
  :: unlike(0) || unlike(1) -> assert(exactly_once)
  :: marker[0] || marker[1] || left(0) || left(1) || shareLeft() -> assert(nothing_left)
  :: else
  fi
}
