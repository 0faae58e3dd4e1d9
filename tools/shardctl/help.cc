#include "shard/tools/shardctl/help.h"

#include <string_view>

namespace shard::shardctl {
namespace {

constexpr std::string_view kProgram =
    R"(shardctl: looks after the databases of a cluster and the transactions over
several of them.

usage: shardctl DATABASES [--json] [--timeout D] COMMAND [OPTION ...]

commands
  status                   which transactions are unfinished
  recover                  finishes what can be finished: one pass of recovery
  resolve GID --commit     decides one transaction by hand
  resolve GID --abort
  check                    are the databases fit for their part?
  check --remove NAME      may this database leave the cluster?
  stamp                    sets up databases that are new to the cluster
  forget IDENTITY          a database has left the cluster for good
  load FILE.csv            loads rows into a table that is spread over shards
  topology check FILE.json is a topology file right, and fits its databases?
  explain FILE.json        on which shards rows of a table are
  COMMAND --help           more about it, with examples

databases
  --topology FILE.json     {"cluster": "bank", "epoch": 1,
                            "databases": {"eu": "postgresql://host/bank",
                                          "ledger": "sqlite:////var/bank.db"}}
                           the file of the programs: docs/topology_file.md
or
  --cluster NAME           name of the whole (main)
  --epoch N                of the slot map
  --database NAME=URL      each database, by its name in the cluster

options
  --json                   one JSON object on standard output, nothing else
  --timeout D              for connecting and for each answer (5s)

exit code
  0  all is well
  1  something is left: unfinished transactions, warnings, refused rows
  2  a database could not be read, so that the answer lacks its part
  3  refused with nothing changed, or errors were found
  4  the command line or the topology file is wrong

Passwords are never shown. Better than in a command line, which others on the
machine can read, they stand in a file: the topology file, or ~/.pgpass.
)";

constexpr std::string_view kStatus =
    R"(shardctl status: which transactions over several databases are unfinished.

usage: shardctl DATABASES [--json] status [--all]

Changes nothing. The states:
  pending    decided, and not carried out everywhere yet
  undecided  prepared somewhere and not decided: at work, or its session died
  unknown    prepared somewhere, and its decider cannot be read
  conflict   decided, and a file lacks its share: another program has changed
             the same rows, or the tables, since. They are listed; see `resolve`
  finished   done; the decision is kept for a while (shown with --all)

A transaction of a second or two is mostly one at work. Older ones are left to
recovery, which runs by itself in every program with the topology; `recover`
does the same at once.

options
  --all   finished ones too; --json has them in any case

exit code: 0 nothing unfinished, 1 something is, 2 a database cannot be read

examples
  shardctl --topology bank.json status
  shardctl --topology bank.json --json status | jq '.transactions[].state'
  shardctl --cluster bank --database eu=postgresql://host/bank \
      --database ledger=sqlite:////var/lib/ledger.db status
)";

constexpr std::string_view kRecover =
    R"(shardctl recover: finishes what others have left unfinished, in one pass.

usage: shardctl DATABASES [--json] recover [--recover-after D] [--retention D]

Asks the decider of each prepared share, and commits or rolls back the share as
decided; what was never decided is aborted. Then removes decisions that nobody
needs any more. Safe at any time, beside sessions at work and other recoveries.

options
  --recover-after D   how long a share lies prepared before its decider is asked
                      while that is still at work (5s). Asking ends it.
  --retention D       how long decisions to commit are kept (1h)

exit code: 0 nothing is left prepared, 1 something is (left alone or failed),
2 a database could not be read

examples
  shardctl --topology bank.json recover
  shardctl --topology bank.json recover --recover-after 1m
)";

constexpr std::string_view kResolve =
    R"(shardctl resolve: decides one transaction by hand, and carries it out.

usage: shardctl DATABASES [--json] resolve GID --commit|--abort [--yes]
       shardctl DATABASES [--json] resolve GID --commit --overwrite|--keep

GID is that of the transaction or of any of its shares, as `status` shows it.
The decision goes through the same row in the deciding database as any other.
If another decision stands there, it is refused; if the same one stands, it is
carried out. Recovery needs no such help where all databases can be read.

options
  --abort    rolls every share back. Always safe.
  --commit   commits every share, but not the decider's own, which was never
             prepared: where that is not committed the result is torn. All
             databases must be readable. Refused where a SQLite file follows,
             whose share was lost with its session.
  --overwrite, --keep
             for a transaction in conflict: rows that another program has
             changed since get what the transaction wrote, or stay as they
             are. The rest of the share is applied either way. A table that
             was dropped or has other columns now can only be kept: what was
             written to it is given up.
  --yes      asks nothing. Else the decision and the first eight digits of the
             transaction must be typed on a terminal.

exit code: 0 decided and carried out, 1 or 2 decided, and a share is left for
recovery (2: a database cannot be reached), 2 also: not known whether it is
decided, or the decider cannot be reached, 3 refused

examples
  shardctl --topology bank.json resolve --abort \
      shard1/bank/8f0c.../3a91.../748/0
)";

constexpr std::string_view kForget =
    R"(shardctl forget: a database has left the cluster for good.

usage: shardctl DATABASES [--json] forget IDENTITY

SQLite files list the files that they have ever followed in a transaction, and
a program asks all of those before it first writes. One that is gone cannot be
asked, and keeps writers back; the error that says so has its identity. Take the
database out of the topology first, once `check --remove` says that it may go.
Decisions that name it, or that it made, are removed too, but for those that are
not finished on the other databases: recover, and repeat.

exit code: 0 done, 1 such a decision is left, 2 a database cannot be reached, 3
it is in the topology

examples
  shardctl --topology bank.json forget 8f0c7a5b1e9d4c3ab2f1d0e9c8b7a695
)";

constexpr std::string_view kCheck =
    R"(shardctl check: are the databases fit for their part?

usage: shardctl DATABASES [--json] check [--remove NAME]

Changes nothing. Looks at versions, at settings that keep what is committed, at
room for prepared transactions or on the disk, at the stamp that says which
database of which cluster each one is, and at the library's two tables.

options
  --remove NAME   asks instead whether this database may leave the cluster:
                  not while it holds prepared shares, decides over some, or
                  had a part in what another keeps a decision about

exit code: 0 all is well, 1 warnings, 2 a database cannot be read, 3 errors, or
it may not be removed

examples
  shardctl --topology bank.json check
  shardctl --topology bank.json check --remove us
  shardctl --topology bank.json --json check |
      jq '.databases[].findings[] | select(.level != "ok")'
)";

constexpr std::string_view kStamp =
    R"(shardctl stamp: sets up databases that are new to the cluster.

usage: shardctl DATABASES [--json] stamp

Makes the tables shard_stamp and shard_decisions where they are missing, and
stamps each database with the cluster, its name and a random identity, so that
a wrong URL or a copied file is noticed. A stamp that stands is never changed,
except that an older epoch is raised to the topology's; from then on, who has
the older topology may read but not write. If one database is stamped as
something else none is stamped. SQLite files that are not there are made.

exit code: 0 all carry their stamp, 2 a database cannot be reached, 3 refused

examples
  shardctl --topology bank.json stamp
  shardctl --cluster bank --database eu=postgresql://host/bank stamp
)";

constexpr std::string_view kLoad =
    R"(shardctl load: loads a CSV file into a table that is spread over shards.

usage: shardctl DATABASES [--json] load --table T --shard-by COLUMN[,COLUMN]
           [OPTION ...] FILE.csv

FILE.csv is - for standard input. Its first line names the columns; those of
the table that it has not got their defaults. Each row goes to the shard that
the hash of its shard key names (placement xxh3-v1, HashStrategy). Batches of
rows are committed, each on all shards or on none; whatever ends the load, the
same command goes on behind the last batch, and every row is there once.

where the rows go
  --table T             the table, which must be the same on all shards
  --shard-by A[,B]      the shard key, as the programs have it
  --shards A,B,...      the shards in the programs' order; all databases in
                        the order of the topology file or of the command line
  --type COLUMN=TYPE    the type that the programs give the column. SQLite does
                        not tell bool, timestamp, date, decimal, uuid and json
                        from numbers, text and bytes: say them

what the file is like
  --delimiter C         between fields (,); "tab" is one
  --null TEXT           an unquoted field that is NULL (the empty one)
  --no-header --columns A,B,...
                        the columns, where no line names them

how it is loaded
  --name N              of the load, to go on by (made of table and file)
  --restart             begins anew, though the load was begun or finished
  --mended              goes on with a file that is another one behind the rows
                        that are loaded
  --batch-rows N        rows committed at once
  --skip-bad            rows that are refused are left out and listed. Else the
                        first one ends the load, in front of its batch
  --refused FILE        all those, with line and reason, as CSV
  --all-or-nothing      one transaction for the whole file

exit code: 0 all rows are there, 1 without those refused, or it was interrupted
(Ctrl-C) and can go on, 2 a database cannot be reached, 3 refused; the error
says what stands

examples
  shardctl --topology bank.json load --table accounts --shard-by id accounts.csv
  zcat accounts.csv.gz | shardctl --topology bank.json load --table accounts \
      --shard-by id --shards eu,us --name accounts-2026 -
  shardctl --topology bank.json load --table notes --shard-by owner \
      --type owner=uuid --skip-bad --refused refused.csv notes.csv
)";

constexpr std::string_view kTopology =
    R"(shardctl topology check: is a topology file right, and fits its databases?

usage: shardctl [--json] topology check FILE.json

Changes nothing. Reads the file as a program does, routers and slot maps too;
an error names line and field. Then connects to every database and replica, and
compares stamps and slot map epoch. Classes are the programs', so what the file
says of them is not looked at; nor are routers of a type that only they know.

exit code: 0 all is well, 1 warnings (another epoch), 2 a database cannot be
reached, 3 a stamp does not fit, 4 the file is wrong

examples
  shardctl topology check shop.json
  shardctl --json topology check shop.json | jq '.databases[].level'
)";

constexpr std::string_view kExplain =
    R"(shardctl explain: on which shards rows of a table are, and why.

usage: shardctl [--json] explain FILE.json --table T [--key VALUE ...]

The file describes the table: "tables": {"orders": {"key": {"id": "int64"}}} in
its router. Connects to nothing. Without --key: the shards of all its rows.

options
  --table T     the table
  --key VALUE   of its shard key, of two columns "7,eu"; several may be given

exit code: 0, 3 no shard takes such a key, 4 the file or the command line is
wrong

examples
  shardctl explain shop.json --table orders --key 42
  shardctl explain shop.json --table orders --key 42 --key 43
)";

}  // namespace

std::string_view HelpText(std::string_view command) {
  if (command == "status") return kStatus;
  if (command == "recover") return kRecover;
  if (command == "resolve") return kResolve;
  if (command == "check") return kCheck;
  if (command == "stamp") return kStamp;
  if (command == "forget") return kForget;
  if (command == "load") return kLoad;
  if (command == "topology") return kTopology;
  if (command == "explain") return kExplain;
  return kProgram;
}

}  // namespace shard::shardctl
