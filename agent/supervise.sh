#!/system/bin/sh
# supervise.sh RUN_ID: carries one claimed run to its exit file. Started by run.sh in a session of its own.
# SIGTERM ends the workload and publishes `exit` as at any other end.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
cd "$run" || exit "$E_NO_RUN"
export TMPDIR="$run"
launch_cwd=
# shellcheck disable=SC1091
. "$run/launch"

BEAT_S=2
GRACE_S=3
LOG_TAIL_S=1
workload='' logcat='' sampler='' beat='' stopping='' state=starting beats=0

read_uptime() { uptime=; slurp "$proc/uptime" && uptime=${text%% *}; }

write_status() {
  read_uptime
  publish "$run/status" "state=$state${newline}beat=$beats${newline}uptime=$uptime${newline}workload=$workload"
}

introduce() {
  read_boot_id
  read_adbd
  groups=
  slurp /proc/self/cgroup && groups=$text
  cpus=
  # "Cpus_allowed_list:	0-7": a tab stands after the colon.
  slurp /proc/self/status && cpus=${text##*Cpus_allowed_list:?} && cpus=${cpus%%"$newline"*}
  usb=$(getprop sys.usb.state 2>/dev/null)
  start_of "$$" || exit "$E_SUPERVISOR"
  self_start=$start
  keep_lock "$$" "$self_start" || exit "$E_LOCKED"
  : >stdout; : >stderr; : >log; : >samples
  write_status
  set -- "contract=$CONTRACT" "pid=$$" "start=$self_start" "boot_id=$boot_id" "adbd=$adbd" \
    "uptime=$uptime" "usb_state=$usb" "cpus_allowed=$cpus"
  lines=
  for line in "$@"; do lines=$lines$line$newline; done
  # One line per cgroup hierarchy; a value is one line.
  while [ -n "$groups" ]; do
    lines=${lines}cgroup=${groups%%"$newline"*}$newline
    case $groups in *"$newline"*) groups=${groups#*"$newline"} ;; *) groups= ;; esac
  done
  publish "$run/supervisor" "${lines%"$newline"}"
}

# Captured here and not read over adb: the ring holds about a minute of a chatty phone. One rotation at 64 MiB
# bounds the file without moving it under a reader that counts offsets; a wrap is told in `exit`.
start_log() {
  launch_tags exec setsid logcat -b main,system,crash -v threadtime -v epoch -v nsec -v uid -T 1 \
    -f "$run/log" -r 65536 -n 1 </dev/null >/dev/null 2>&1 &
  logcat=$!
  if start_of "$logcat"; then publish "$run/capture" "$logcat $start"; fi
}

start_sampler() {
  setsid sh "$agent/sample.sh" "$run_id" "$$" "$self_start" </dev/null >/dev/null 2>>"$run/agent" &
  sampler=$!
}

end_group() {
  [ -n "$1" ] || return 0
  signal_group TERM "$1"
}

# Runs beside the supervisor: its sign of life, and its avenger.
keep_beat() {
  while alive "$$" "$self_start"; do
    beats=$((beats + 1))
    write_status
    sleep "$BEAT_S"
  done
  end_group "$logcat"
  end_group "$sampler"
  if alive "$workload" "$workload_start"; then signal_group KILL "$workload"; fi
}

stop() {
  [ -z "$stopping" ] || return 0
  stopping=stopped
  slurp "$run/stop" && [ -n "$text" ] && stopping=$text
  [ -n "$workload" ] && kill_workload
}

# In the background: the trap must return to the wait. A signal sent before setsid has made the group is sent again.
kill_workload() {
  (
    waited=0
    while [ "$waited" -lt "$GRACE_S" ]; do
      signal_group TERM "$workload" || exit 0
      sleep 1
      waited=$((waited + 1))
    done
    signal_group KILL "$workload"
  ) &
}

run_workload() {
  status=
  read_uptime
  started=$uptime
  ended=$uptime
  [ -z "$stopping" ] || return 0
  setsid sh "$agent/workload.sh" "$run_id" </dev/null >"$run/stdout" 2>"$run/stderr" &
  workload=$!
  start_of "$workload" && workload_start=$start || workload_start=
  [ -z "$stopping" ] || kill_workload
  state=running
  keep_beat &
  beat=$!
  # A trapped signal ends a wait early: only a process that is gone has a status.
  while :; do
    wait "$workload"
    status=$?
    alive "$workload" "$workload_start" || break
  done
  if [ -n "$stopping" ]; then
    wait "$workload" 2>/dev/null
    again=$?
    [ "$again" -eq 127 ] || status=$again
  fi
  # What it left behind in its group would disturb the next run.
  kill -s KILL -- "-$workload" 2>/dev/null
  read_uptime
  ended=$uptime
}

# Sets sizes to NAME=BYTES lines.
read_sizes() {
  sizes=$(stat -c '%n=%s' stdout stderr log samples 2>/dev/null)
}

finish() {
  trap '' TERM INT
  sleep "$LOG_TAIL_S"
  end_group "$logcat"
  end_group "$sampler"
  [ -z "$beat" ] || kill -s TERM "$beat" 2>/dev/null
  wait "$logcat"
  logcat_status=$?
  wait "$sampler"
  [ -z "$beat" ] || wait "$beat"
  # A half-written cache of a killed engine stops the next one (it waits for ever or reads garbage).
  if [ -n "$stopping" ] || [ "${status:-255}" -gt 125 ]; then
    case $launch_cwd in "$root"/work/*) rm -rf "$launch_cwd"/*.static "$launch_cwd"/*/*.static ;; esac
  fi
  wrapped=0
  [ ! -e log.1 ] || wrapped=1
  state=ended
  write_status
  # f2fs and ext4 may publish a rename before the data; fsync came with Android 11 and spares the other files.
  fsync stdout stderr log samples 2>/dev/null || sync
  read_sizes
  drop_lock
  publish "$run/exit" "contract=$CONTRACT${newline}status=$status${newline}cause=$stopping${newline}started=$started
ended=$ended${newline}workload=$workload${newline}logcat=$logcat_status${newline}log_wrapped=$wrapped$newline$sizes${newline}end=exit"
}

trap stop TERM INT
introduce
# A stop that came before there was a supervisor to signal.
[ ! -f "$run/stop" ] || stop
start_log
start_sampler
run_workload
finish
