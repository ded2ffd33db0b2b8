#!/system/bin/sh
# app.sh LAUNCH_DIR LIMIT_S PACKAGE COMPONENT [AM_EXTRA...]: is the launch's process of workload `app`.
# Starts the app, watches it, and lives until the hub has written LAUNCH_DIR/done; then it ends the app it started.
# Its stdout holds KEY=VALUE lines; what dumpsys and am print is told as it is, the hub reads it.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
START_TRIES=100
LOAD_LIMIT_S=900
LOAD_TICK_S=0.3
TICK_S=0.5

[ $# -ge 4 ] || die "$E_USAGE" "usage: app.sh LAUNCH_DIR LIMIT_S PACKAGE COMPONENT [AM_EXTRA...]"
launch=$1 limit_s=$2 package=$3 component=$4
shift 4
# Extras name a model, which the activity then loads.
loads=$*
pid='' start='' state=starting ended=''

read_seconds() { slurp /proc/uptime && seconds=${text%%[. ]*}; }

tell_state() {
  state=$1
  publish "$launch/app" "state=$state${newline}pid=$pid"
}

# tell_lines KEY TEXT: each line of the text under the key.
tell_lines() {
  rest=$2
  while [ -n "$rest" ]; do
    out "$1=${rest%%"$newline"*}"
    case $rest in *"$newline"*) rest=${rest#*"$newline"} ;; *) rest= ;; esac
  done
}

# look WHEN: what is in front and whether the phone is awake and unlocked, in the phone's own words.
look() {
  tell_lines "$1.activity" "$(dumpsys activity activities 2>/dev/null \
    | grep -e ResumedActivity -e mFocusedActivity -e KeyguardShowing)"
  tell_lines "$1.power" "$(dumpsys power 2>/dev/null | grep -e mWakefulness= -e 'Display Power: state=')"
  tell_lines "$1.window" "$(dumpsys window 2>/dev/null | grep -e mDreamingLockscreen= -e mShowingLockscreen=)"
}

end_app() {
  [ -f "$launch/package" ] || return 0
  am force-stop "$package" </dev/null >/dev/null 2>&1
  rm -f "$launch/package"
}

# finish STATUS
finish() {
  trap '' TERM INT
  end_app
  exit "$1"
}

start_app() {
  # A running one may hold another model, or somebody's chat in the middle of an answer.
  if [ -n "$(pidof "$package")" ]; then out was_running=1; fi
  out "$package" >"$launch/package"
  am force-stop "$package" </dev/null >/dev/null 2>&1
  said=$(am start -n "$component" "$@" </dev/null 2>&1)
  tell_lines am "$said"
  case $newline$said in *"${newline}Error"*) return 1 ;; esac
  tries=0
  while [ "$tries" -lt "$START_TRIES" ]; do
    tries=$((tries + 1))
    pid=$(pidof "$package")
    pid=${pid%% *}
    if [ -n "$pid" ] && start_of "$pid"; then
      publish "$launch/watch" "$pid $start"
      out "pid=$pid"
      return 0
    fi
    [ -z "$ended" ] || return 1
    sleep 0.1
  done
  return 1
}

# The hub asks when it reads `loaded`: what costs time on the phone comes before.
read_load() {
  if [ -z "$loads" ]; then
    ended_load=EndLoad
  else
    # One fork a look: the load itself is being timed.
    ended_load=$(grep -e " $pid .* MNN_DEBUG *: createLLM EndLoad" -e " $pid .* MNN_DEBUG *: Model load failed" \
      -e " $pid .* ChatPresenter *: Model load failed" "${launch%/*}/log" 2>/dev/null)
  fi
  case $ended_load in
    *EndLoad*) look begin; tell_state loaded ;;
    *failed*) tell_state failed ;;
    *)
      [ "$((seconds - began))" -lt "$LOAD_LIMIT_S" ] && return 0
      out load_late=1
      tell_state failed
      ;;
  esac
}

watch_app() {
  while [ ! -f "$launch/done" ] && [ -z "$ended" ] && alive "$pid" "$app_start"; do
    read_seconds
    if [ "$((seconds - began))" -ge "$limit_s" ]; then
      out late=1
      return 0
    fi
    case $state in
      up) sleep "$LOAD_TICK_S"; read_load ;;
      *) sleep "$TICK_S" ;;
    esac
  done
}

trap 'ended=1' TERM INT
read_seconds
began=$seconds
tell_state starting
if ! start_app "$@"; then
  out no_process=1
  tell_state gone
  [ -z "$ended" ] || finish 143
  finish 0
fi
app_start=$start
tell_state up
watch_app
[ -z "$ended" ] || finish 143
if alive "$pid" "$app_start"; then
  look end
else
  out gone=1
  tell_state gone
fi
finish 0
