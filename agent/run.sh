#!/system/bin/sh
# run.sh CONTRACT RUN_ID: starts the prepared run and returns at once.
# Prints key=value lines; its exit statuses are those of lib.sh.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"

[ $# -eq 2 ] || die "$E_USAGE" "usage: run.sh CONTRACT RUN_ID"
out "contract=$CONTRACT"
[ "$1" = "$CONTRACT" ] || exit "$E_CONTRACT"
use_run "$2"
[ -f "$run/launch" ] || die "$E_NO_RUN" "no launch file in $run"
export TMPDIR="$run"

# work/<name>/config.json is written once: equal configurations have equal names and share what lies beside it.
place_config() {
  place "$1" || return 1
  case $launch_cwd in "$root"/work/*) ;; *) return 0 ;; esac
  config=$launch_home/$launch_config
  mkdir -p "$launch_cwd" || return 1
  [ -f "$config" ] || return 0
  if [ ! -f "$launch_cwd/config.json" ]; then
    cp "$config" "$launch_cwd/.config.$run_id" || return 1
    mv -f "$launch_cwd/.config.$run_id" "$launch_cwd/config.json" || return 1
  fi
  cmp -s "$config" "$launch_cwd/config.json" || return 1
  : >"$launch_cwd/.last_used"
}

# A hub that gave the run up before it began has forbidden it.
if read_stop; then out "cause=$text"; exit "$E_STOPPED"; fi
read_boot_id
start_of "$$" || die "$E_SUPERVISOR" "cannot read /proc/$$/stat"
if ! take_lock "$run_id" "$$" "$start"; then
  out "holder=$holder"
  [ "$holder" = "$run_id" ] && exit "$E_ALREADY"
  exit "$E_LOCKED"
fi
if ! (set -C; out "$$ $start $boot_id" >"$run/claim") 2>/dev/null; then
  drop_lock
  exit "$E_ALREADY"
fi
# The launch file is a few definitions in single quotes, written by the hub (PROTOCOL.md).
launch_contract='' launch_count=0 launch_cwd='' launch_home='' launch_config=''
# shellcheck disable=SC1091
. "$run/launch"
number=0
while [ "$number" -lt "$launch_count" ] && [ "$launch_contract" = "$CONTRACT" ]; do
  number=$((number + 1))
  place_config "$number" && continue
  number=-1
  break
done
if [ "$number" -lt 1 ]; then
  # What lies there is not of this list.
  launch_count=0
  drop_lock
  die "$E_CONFIG" "$launch_cwd/config.json cannot be written or differs from this run's"
fi

# A run that is gone may have left the phone in a mode of its own.
[ ! -f "$root/steady" ] || sh "$agent/steady.sh" restore </dev/null >/dev/null 2>>"$run/agent"

# setsid, not nohup: when the link goes, adbd signals the session. Nothing may hold the shell's stdout:
# adb waits for whoever does.
setsid sh "$agent/supervise.sh" "$run_id" </dev/null >>"$run/agent" 2>&1 &
supervise=$!
tries=0
until [ -f "$run/supervisor" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 600 ] || ! kill -s 0 "$supervise" 2>/dev/null; then
    [ -f "$run/supervisor" ] && break
    # Before the lock is given back: a slow one must not run without it.
    kill -s KILL "$supervise" 2>/dev/null
    drop_lock
    slurp "$run/agent"
    die "$E_SUPERVISOR" "the supervisor did not come up: $text"
  fi
  sleep 0.05
done
out "run=$run"
slurp "$run/supervisor" && out "$text"
