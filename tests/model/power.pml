/* Processes that end, of themselves or with the power. */
byte losses;
bool running[6], cut[6];

inline mayDie() { if :: !sure -> goto dead :: skip fi }
#ifdef MUTATION_PEERS_NOT_ASKED
#define askedBefore true
#else
#define askedBefore (losses == 0) /* before all of this; a process that did not ask yet asks more */
#endif
inline start() { running[me] = true; asked = askedBefore }
inline leave() {
  if :: lock[0] == me -> lock[0] = NOBODY :: else fi;
  if :: lock[1] == me -> lock[1] = NOBODY :: else fi;
  running[me] = false;
  cut[me] = false
}

#if LOSSES > 0
#define untilPowerIsLost unless { cut[me] }
inline runPower() { run Log(0); run Log(1); run Power() }
inline loseUnsynced(f) {
  if
  :: visible[f] = durable[f]
  :: durable[f] != visible[f] -> skip
  :: dormant[f] != NOTHING -> visible[f] = dormant[f]
  fi;
  durable[f] = visible[f]; /* what is there after that is on the disk */
  dormant[f] = NOTHING;
  lock[f] = NOBODY;
  if /* the marker is not synced: any that was ever there may be */
  :: skip
  :: marker[f] != 0 -> marker[f] = 0 /* or empty: all that write after that ask the peers */
  :: marker[f] != 1 && follower[0] == f && base[0] != NOTHING -> marker[f] = 1
  :: marker[f] != 2 && follower[1] == f && base[1] != NOTHING -> marker[f] = 2
  fi
}
proctype Power() {
  byte i;
end:
  do
  :: atomic {
       losses < LOSSES && !quiet ->
       losses++;
       power = false;
       loseUnsynced(0);
       loseUnsynced(1);
       i = 1;
       do :: i < 6 -> cut[i] = running[i]; i++ :: else -> i = 0; break od
     };
     atomic { !cut[1] && !cut[2] && !cut[3] && !cut[4] && !cut[5] -> power = true }
  od
}
#else
#define untilPowerIsLost
inline runPower() { run Log(0); run Log(1) }
#endif
