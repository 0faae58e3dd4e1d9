/* The part of a PostgreSQL server in the first transaction. PREPARE is executed at any time, also when its sender is
   dead; see atomic_commit.pml for more of that. */
#ifdef POSTGRES
mtype share = open; /* open -> prepared -> committed or aborted, or open -> aborted */
bool flight;        /* PREPARE is under way */
bool ready;         /* its answer: prepared */

#define shareTorn(t) (t == 0 && (share == committed && !(durable[0] & SHARE(0)) || \
                                 share == aborted && everSeen(0, SHARE(0))))
proctype Server() {
end:
  do
  :: atomic { share == open && flight -> flight = false; share = prepared; ready = true }
  :: atomic { share == open -> flight = false; share = aborted } /* refused; connection or server lost */
  od
}
inline runServer() { run Server() }
inline sendPrepare() { if :: t == 0 -> flight = true :: else fi }
inline awaitPrepared() {
  if
  :: t != 0 || ready
  :: t == 0 -> goto undo /* refused, timed out or lost */
  fi
}
inline commitPrepared() { if :: share == prepared -> share = committed :: else fi }
inline rollbackPrepared() { if :: share == prepared -> share = aborted :: else fi }
inline awaitShare() { share != open }
#define shareLeft() (share != committed && share != aborted)
#else
#define shareTorn(t) false
#define shareLeft() false
inline runServer() { skip }
inline sendPrepare() { skip }
inline awaitPrepared() { skip }
inline awaitShare() { skip }
#endif
