/* Two SQLite files in WAL mode. A commit is durable when its answer is there. One that failed or whose process died
   half-way may be whole in the file's log and not be visible: the next commit overwrites it, or it comes to life when
   the log is recovered, which takes the write lock. What came to life is not synced, before the next commit or sync. */
#define SHARE(t) (1 << (t)) /* of what a file holds: the transaction's work; at the follower that is the redo's effect */
#define ROW(t) (4 << (t))   /* the decider's decision with the redo, the follower's own */
#define WRITTEN 16          /* what the writer wrote */
#define LISTED 32           /* in shard_peers: the file's decider */
#define DATA (SHARE(0) | SHARE(1) | WRITTEN)
#define NOTHING 255
#define NOBODY 0
#define WRITER 3 /* a coordinator is the number of its transaction plus 1 */
#define RECOVERER 4

byte visible[2];
byte durable[2];           /* what a loss of power leaves of it at least */
byte dormant[2] = NOTHING; /* all that the file will hold if the COMMIT that is only in its log comes to life */
byte lock[2] = NOBODY;     /* the write lock; the system frees that of a dead process */
byte marker[2];            /* beside the file, never synced: the transaction that it names plus 1, or 0; or EMPTY */
#define EMPTY 3            /* its writer died over it */
byte base[2] = NOTHING;    /* what the follower held when the redo was recorded */
bool power = true;

#define holds(f, bits) ((visible[f] & (bits)) != 0)

proctype Log(byte f) {
end:
  do
  :: atomic {
       dormant[f] != NOTHING && lock[f] == NOBODY && power ->
       if :: durable[f] = visible[f] :: skip fi; /* the system writes when it likes to */
       visible[f] = dormant[f];
       dormant[f] = NOTHING
     }
  od
}

/* Of its log, without a lock. */
inline sync(f) { durable[f] = visible[f] }

/* In one step, by who has the lock: that is over then. ok: it is durable. */
inline commitAt(f, content) {
  if
  :: visible[f] = content; durable[f] = visible[f]; dormant[f] = NOTHING; ok = true
  :: !sure -> ok = false /* not whole in the log */
  :: !sure -> dormant[f] = content; ok = false
  fi;
  lock[f] = NOBODY
}

/* Asks f whether it has decided for t: with its write lock held nobody is committing, and after a durable COMMIT of the
   asker's own nothing comes to life. One step: under the lock nothing changes. */
inline settle(f, t, answer) {
#ifdef MUTATION_RECOVERER_LOOKS_BEFORE_LOCK
  answer = (holds(f, ROW(t)) -> commit : abort);
#endif
  atomic {
    lock[f] == NOBODY ->
#ifndef MUTATION_RECOVERER_LOOKS_BEFORE_LOCK
    answer = (holds(f, ROW(t)) -> commit : abort);
#endif
#ifndef MUTATION_ASKER_COMMITS_NOTHING
    dormant[f] = NOTHING;
    sync(f)
#endif
  }
}
