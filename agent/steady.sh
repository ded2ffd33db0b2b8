#!/system/bin/sh
# steady.sh: Android's fixed-performance mode, on for one run and undone whatever becomes of the run.
#   steady.sh on RUN_ID PID START      for the run of that supervisor: prints on|unsupported|refused
#   steady.sh watch RUN_ID PID START   leaves the mark, waits until that supervisor is gone, then undoes the mode
#   steady.sh off RUN_ID               undoes the mode where this run has it
#   steady.sh restore                  undoes the mode where a run that is gone has left it
# `off` and `restore` end with 1 where the mode could not be undone. No Android tells whether the mode is on: the mark
# says whose it is, stands before the mode is set, and goes when the mode was undone.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
mark=$root/steady

ANDROID_11=30
LOOK_S=1
RETRY_S=2
# Android's services are away for a minute at most when they restart.
RETRIES=150
CMD_S=10

# one_at_a_time COMMAND...: what is looked at stays so until it was acted on.
one_at_a_time() { { flock 9 && "$@"; } 9>"$root/.steady"; }

# Fails where nobody has the mode.
read_mark() {
  slurp "$mark" || return 1
  # shellcheck disable=SC2086
  set -- $text
  mark_pid=${1-} mark_start=${2-} mark_run=${3-} mark_boot=${4-}
}

# set_mode true|false: sets answer to taken, refused, unsupported or silent.
set_mode() {
  # Through a pipe: system_server gets the descriptors, and may write to no file of the shell's.
  said=$(timeout "$CMD_S" cmd power set-fixed-performance-mode-enabled "$1" </dev/null 2>&1 9>&-)
  status=$?
  if [ -n "$said" ]; then out "set-fixed-performance-mode-enabled $1: $said" >&2; fi
  case $status:$said in
    # Of Android's services, or of the wait for them.
    *"Can't find service"* | *"Failure calling service"* | 124:* | 137:* | 143:*) answer=silent ;;
    # A service without commands says so with status 0.
    *"Unknown command"* | *"No shell command"*) answer=unsupported ;;
    *[Ff]ailed* | *[Ee]rror* | *[Ee]xception*) answer=refused ;;
    # toybox 0.8.9 says 127 for many a command that ended well before it began to wait for it.
    0:* | 127:*) answer=taken ;;
    *) answer=refused ;;
  esac
}

leave_mark() { publish "$mark" "$super $super_start $run_id $boot_id"; }

has_mark() { read_mark && [ "$mark_pid $mark_start $mark_run" = "$super $super_start $run_id" ]; }

switch_on() {
  has_mark || return 0
  set_mode true
  # After `silent` nobody knows: it is undone as if it were on.
  case $answer in unsupported | refused) [ -n "$left" ] || rm -f "$mark" ;; esac
}

# Undoes what the mark tells. A boot undoes the mode by itself.
switch_off() {
  if [ -z "$mark_boot" ] || [ "$mark_boot" = "$boot_id" ]; then
    set_mode false
    case $answer in refused | silent) return 1 ;; esac
  fi
  rm -f "$mark"
}

undo_own() {
  read_mark && [ "$mark_run" = "$run_id" ] || return 0
  switch_off
}

undo_left() {
  read_mark || return 0
  if [ "$mark_boot" = "$boot_id" ] && alive "$mark_pid" "$mark_start"; then return 0; fi
  switch_off
}

turn_on() {
  if ! command -v cmd >/dev/null; then out unsupported; return 0; fi
  sdk=$(getprop ro.build.version.sdk 2>/dev/null)
  case $sdk in
    '' | *[!0-9]*) ;;
    *) if [ "$sdk" -lt "$ANDROID_11" ]; then out unsupported; return 0; fi ;;
  esac
  left=
  [ ! -f "$mark" ] || left=1
  # Before the change, and in a session of its own: what ends the supervisor does not end it. The mark says that it
  # has come up.
  setsid sh "$agent/steady.sh" watch "$run_id" "$super" "$super_start" </dev/null >/dev/null &
  watcher=$!
  answer=refused
  until has_mark; do
    start_of "$watcher" || break
    sleep 0.05
  done
  one_at_a_time switch_on
  case $answer in
    taken) out on ;;
    unsupported) out unsupported ;;
    *) out refused ;;
  esac
}

watch_run() {
  trap '' HUP INT TERM
  one_at_a_time leave_mark || return 1
  while alive "$super" "$super_start"; do sleep "$LOOK_S"; done
  tries=0
  until one_at_a_time undo_own; do
    tries=$((tries + 1))
    [ "$tries" -lt "$RETRIES" ] || return 1
    sleep "$RETRY_S"
  done
}

read_boot_id
command=${1-}
case "$command:$#" in
  on:4 | watch:4) use_run "$2"; super=$3 super_start=$4 ;;
  off:2) use_run "$2" ;;
  restore:1) ;;
  *) die "$E_USAGE" "usage: steady.sh on|watch|off|restore ..." ;;
esac
case $command in
  on) turn_on ;;
  watch) watch_run ;;
  off) one_at_a_time undo_own ;;
  restore) one_at_a_time undo_left ;;
esac
