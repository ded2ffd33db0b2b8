# shellcheck shell=sh
# What every script of the agent shares; sourced with $0 = <root>/agent/<hash>/<script>.
#
# Android's sh counts in 32 bits: sizes, offsets, stamps and jiffies are text here and never computed on.
# PROTOCOL.md says what each file of a run directory holds, APPLETS.md which commands may be used.

# adbd runs with umask 0, and every app of the phone may look into /data/local/tmp.
umask 077
set -u

# shellcheck disable=SC2034
CONTRACT=3
# shellcheck disable=SC2034
E_USAGE=64 E_CONTRACT=65 E_LOCKED=66 E_ALREADY=67 E_NO_RUN=68 E_SUPERVISOR=69 E_CONFIG=70 E_STOPPED=71

case $0 in
  /*/*/*/*) ;;
  *) echo "the agent must be started by its absolute path, not as $0" >&2; exit "$E_USAGE" ;;
esac
agent=${0%/*}
root=${agent%/*/*}
lock=$root/lock
# A virtual phone without a namespace of its own keeps its /proc and /sys elsewhere.
proc=${DEVICEHUB_PROC:-/proc}
# shellcheck disable=SC2034
sys=${DEVICEHUB_SYS:-/sys}
newline='
'

if [ -n "${KSH_VERSION-}" ]; then
  # Android's mksh has no printf of its own: each would fork. Its echo reads backslashes.
  # shellcheck disable=SC3045
  out() { print -r -- "$1"; }
  # The only read of a file without a fork and without one system call per byte.
  # shellcheck disable=SC3034
  slurp() { { text=$(<"$1"); } 2>/dev/null; }
else
  out() { printf '%s\n' "$1"; }
  slurp() {
    text=
    while IFS= read -r line || [ -n "$line" ]; do text=$text$line$newline; done 2>/dev/null <"$1" || return 1
    text=${text%"$newline"}
  }
fi

die() { out "$2" >&2; exit "$1"; }

# publish FILE TEXT: the file appears, or is replaced, whole.
publish() { out "$2" >"${1%/*}/.${1##*/}.new" && mv -f "${1%/*}/.${1##*/}.new" "$1"; }

# reserve FOLDER: takes the room that `write_exit` fills, so that a full disk cannot keep an end from being told.
reserve() {
  padding=$newline
  while [ "${#padding}" -lt 4096 ]; do padding=$padding$padding; done
  out "$padding" >"$1/.exit"
}

# write_exit FOLDER TEXT: what FOLDER/exit will hold; opened without truncation, which would give the room away.
write_exit() { out "$2" 1<>"$1/.exit"; }

publish_exit() { mv -f "$1/.exit" "$1/exit"; }

# ask_stop CAUSE: leaves the request for the run's end; the first cause counts. A full disk has room for a name only.
ask_stop() {
  (set -C; out "$1" >"$run/stop") 2>/dev/null && return 0
  [ ! -s "$run/stop" ] || return 0
  rm -f "$run/.spare"
  out "$1" >>"$run/stop"
}

# end_run CAUSE SUPERVISOR: a limit was passed.
end_run() { ask_stop "$1"; kill -s TERM "$2" 2>/dev/null; }

# Sets text to the cause of the run's stop; fails where none was asked for.
read_stop() {
  [ -f "$run/stop" ] || return 1
  slurp "$run/stop" || text=
  text=${text%%"$newline"*}
  [ -n "$text" ] || text=stopped
}

# place NUMBER: sets launch_home, launch_dir, launch_cwd and the rest of what the launch file says of a launch; fails
# where the list has no such launch.
# shellcheck disable=SC2034,SC2154
place() {
  launch_dir=$run/none launch_cwd='' launch_sampled=1
  [ "$1" -gt 0 ] && [ "$1" -le "$launch_count" ] && "launch_$1_place"
}

# Reads what the list is made of; a run that has none has no launches.
read_launch() {
  launch_count=0
  # shellcheck disable=SC1091
  [ ! -f "$run/launch" ] || . "$run/launch"
}

# Removes the work folders that are for this list alone; by the holder of its lock, for another list may have equal ones.
discard_all() {
  discarding=0
  while [ "$discarding" -lt "${launch_count:-0}" ]; do
    discarding=$((discarding + 1))
    launch_discards=
    place "$discarding"
    case ${launch_discards:+$launch_cwd} in "$root"/work/?*) rm -rf "$launch_cwd" ;; esac
  done
}

# follow_list: a run that is part of another one's list stands for that list.
follow_list() {
  slurp "$run/part_of" && [ -n "$text" ] || return 0
  use_run "${text%%"$newline"*}"
}

# field FILE KEY: sets value to what stands after KEY= in the file.
field() {
  value=
  while IFS= read -r line; do
    case $line in "$2="*) value=${line#*=}; return 0 ;; esac
  done 2>/dev/null <"$1"
  return 1
}

# start_of PID: sets start to the process's start time, the 22nd field of its stat; fails for a dead one.
start_of() {
  start=
  slurp "/proc/$1/stat" || return 1
  # "417 (name (with) parens) S 1 417 ...": the name may hold anything, the fields follow its last parenthesis.
  after=') '
  # shellcheck disable=SC2086
  set -- ${text##*"$after"}
  case ${1-Z} in Z | X) return 1 ;; esac
  start=${20-}
  [ -n "$start" ]
}

# alive PID START: a pid alone may have been given to another process since.
alive() { [ -n "${1-}" ] && [ -n "${2-}" ] && start_of "$1" && [ "$start" = "$2" ]; }

# signal_group SIGNAL PID: the group that PID leads; PID alone until it leads one.
signal_group() { kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null; }

# Sets wall to the wall clock; its digits are text.
# shellcheck disable=SC2034
read_wall() { if [ -n "${EPOCHREALTIME-}" ]; then wall=$EPOCHREALTIME; else wall=$(date +%s).0; fi; }

read_boot_id() { boot_id=; slurp "$proc/sys/kernel/random/boot_id" && boot_id=$text; }

# Sets adbd to "PID START", empty where no adbd is seen.
read_adbd() {
  adbd=$(pidof adbd 2>/dev/null)
  adbd=${adbd%% *}
  if [ -n "$adbd" ] && start_of "$adbd"; then adbd="$adbd $start"; else adbd=; fi
}

# use_run ID: sets run_id and run; an id can name nothing outside runs/.
use_run() {
  case ${1-} in '' | .* | -* | *[!A-Za-z0-9._-]*) die "$E_USAGE" "not a run id: ${1-}" ;; esac
  run_id=$1
  run=$root/runs/$1
}

# Sets super and super_start; fails where the run has no supervisor that lives.
find_supervisor() {
  field "$run/supervisor" pid || return 1
  super=$value
  field "$run/supervisor" start || return 1
  super_start=$value
  field "$run/supervisor" boot_id && [ "$value" = "$boot_id" ] && alive "$super" "$super_start"
}

# end_leftovers: ends workload and log capture of a run whose supervisor cannot.
end_leftovers() {
  field "$run/supervisor" boot_id && [ "$value" = "$boot_id" ] || return 0
  for file in "$run"/*/pid "$run/capture"; do end_leftover; done
  slurp "$run/parts" || return 0
  for part in $text; do
    for file in "$root/runs/$part"/*/pid; do end_leftover; done
  done
}

end_leftover() {
  slurp "$file" || return 0
  # shellcheck disable=SC2086
  set -- ${text%%"$newline"*}
  if alive "${1-}" "${2-}"; then signal_group KILL "$1"; fi
  stop_app "${file%/*}"
}

# stop_app FOLDER: ends the app of a launch whose app.sh was killed before it could.
stop_app() {
  slurp "$1/package" || return 0
  am force-stop "$text" </dev/null >/dev/null 2>&1
  rm -f "$1/package"
}

# take_lock RUN_ID PID START: fails and sets holder where a living run has the phone.
# flock guards the look and the taking: the kernel drops it with its holder, so it is never stale itself.
take_lock() {
  {
    flock 9 || die "$E_SUPERVISOR" "cannot lock $root/.guard"
    if mkdir "$lock" 2>/dev/null; then holder=; else read_lock; fi
    if [ -z "$holder" ]; then publish "$lock/owner" "$boot_id $1 $2 $3"; fi
  } 9>"$root/.guard"
  [ -z "$holder" ]
}

# Sets holder to the living run that has the lock. What a dead one left running is ended, or disturbs the next.
read_lock() {
  holder=
  slurp "$lock/owner" || return 0
  # shellcheck disable=SC2086
  set -- $text
  if [ "${1-}" = "$boot_id" ] && alive "${3-}" "${4-}"; then holder=$2; return 0; fi
  (use_run "${2-}" && end_leftovers; read_launch; discard_all)
}

# keep_lock PID START: the supervisor takes over what run.sh took; fails where it was lost meanwhile.
keep_lock() {
  {
    flock 9 && slurp "$lock/owner" || text=
    case $text in
      "$boot_id $run_id "*) kept=1; publish "$lock/owner" "$boot_id $run_id $1 $2" ;;
      *) kept= ;;
    esac
  } 9>"$root/.guard"
  [ -n "$kept" ]
}

drop_lock() {
  {
    flock 9 && slurp "$lock/owner" || text=
    case $text in "$boot_id $run_id "*) discard_all; rm -f "$lock/owner" "$lock/.owner.new"; rmdir "$lock" ;; esac
  } 9>"$root/.guard"
}

# Sets cause to why a supervisor vanished, or never came up, that left no exit file.
# shellcheck disable=SC2034
why_lost() {
  cause=agent_killed
  if ! field "$run/supervisor" boot_id; then
    slurp "$run/claim" || text=
    case $text in *" $boot_id" | '') ;; *) cause=rebooted ;; esac
    return 0
  fi
  if [ "$value" != "$boot_id" ]; then cause=rebooted; return 0; fi
  field "$run/supervisor" adbd || return 0
  read_adbd
  if [ -n "$value" ] && [ "$value" != "$adbd" ]; then cause=adbd_restarted; fi
}

# adbd's children cannot be killed (-950, on Android 8 -1000): a model too big would take the phone instead.
be_victim() { echo 500 2>/dev/null >/proc/self/oom_score_adj; }

# Sets lines to what the kernel allows this process: cpus_allowed, oom_score_adj, one cgroup per hierarchy.
describe_self() {
  lines=
  # "Cpus_allowed_list:	0-7": a tab stands after the colon.
  if slurp "/proc/$$/status"; then
    text=${text##*Cpus_allowed_list:?}
    lines=cpus_allowed=${text%%"$newline"*}
  fi
  if slurp "/proc/$$/oom_score_adj"; then lines=$lines${newline}oom_score_adj=$text; fi
  slurp "/proc/$$/cgroup" || text=
  while [ -n "$text" ]; do
    lines=$lines${newline}cgroup=${text%%"$newline"*}
    case $text in *"$newline"*) text=${text#*"$newline"} ;; *) text= ;; esac
  done
}

# is_number FILE: sets text to the whole number that the file holds.
is_number() {
  slurp "$1" || return 1
  case $text in '' | - | *[!0-9-]*) return 1 ;; esac
}

# Sets class to what a thermal zone measures, by the names that vendors give; empty where it is no temperature
# (limits of current and voltage, states of charge) or of no interest.
# shellcheck disable=SC2034
classify_zone() {
  case $1 in
    soc | *-soc | *bcl* | *ibat* | *vbat* | *lvl* | *-step | *-lowf) class= ;;
    *[Bb]att* | *BATT*) class=battery ;;
    *[Ss]kin* | *quiet* | *xo*therm* | mtktsAP) class=skin ;;
    *[Gg][Pp][Uu]* | G3D) class=gpu ;;
    *[Nn][Ss][Pp]* | *[Nn][Pp][Uu]* | *[Tt][Pp][Uu]* | *[Aa][Pp][Uu]*) class=npu ;;
    *[Cc][Pp][Uu]* | BIG | MID | LITTLE | soc[-_]* | tsens_tz* | x86_pkg*) class=cpu ;;
    *) class= ;;
  esac
}

# Sets clocks to the folders of the CPU clusters that can be read.
# shellcheck disable=SC2034
choose_clocks() {
  clocks=
  for folder in "$sys"/devices/system/cpu/cpufreq/policy*; do
    if is_number "$folder/scaling_cur_freq"; then clocks="$clocks$folder "; fi
  done
  [ -z "$clocks" ] || return 0
  # Kernels before 4.3 know no policies.
  for folder in "$sys"/devices/system/cpu/cpu[0-9]*/cpufreq; do
    if is_number "$folder/scaling_cur_freq"; then clocks="$clocks$folder "; fi
  done
}
