#!/system/bin/sh
# supervise.sh RUN_ID: carries one claimed run through its launches to its exit file. Started by run.sh in a session
# of its own. SIGTERM ends the launch under way, starts no further one, and publishes `exit` as at any other end.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
cd "$run" || exit "$E_NO_RUN"
export TMPDIR="$run"
launch_count=0 launch_cwd='' launch_steady=''
limit_wall_s='' limit_free_mib='' gate_temp_mc='' gate_zone='' gate_cap_s=''
# shellcheck disable=SC1091
. "$run/launch"
# shellcheck source=agent/gate.sh
. "$agent/gate.sh"

GRACE_S=5
LOG_TAIL_S=1
LOG_POLL_S=0.05
# Looks at a log that does not grow, and at one that does: two seconds, and at least ten.
LOG_QUIET=40
LOG_PATIENCE=200
# Of 512 bytes: 128 MiB.
LOG_BLOCKS=262144
number=0 launched=0 workload='' workload_start='' launch_cause='' stopping='' state=starting beats=0
logcat='' logcat_start='' sampler='' sampler_start='' watcher=''

read_uptime() { uptime=; slurp "$proc/uptime" && uptime=${text%% *}; }

write_status() {
  publish "$run/status" "state=$state${newline}beat=$beats${newline}uptime=$uptime${newline}launch=$number
workload=$workload"
}

# Sets steady to what became of the mode that the run asked for; `left` where an earlier run's still holds.
hold_steady() {
  steady=
  if [ -n "$launch_steady" ]; then
    steady=$(sh "$agent/steady.sh" on "$run_id" "$$" "$self_start" </dev/null 2>>"$run/agent")
    # Empty where it was killed before it could tell: what it may have set is undone at the end.
    steady=${steady:-refused}
  elif [ -f "$root/steady" ]; then
    steady=left
  fi
}

introduce() {
  read_boot_id
  read_adbd
  start_of "$$" || exit "$E_SUPERVISOR"
  self_start=$start
  keep_lock "$$" "$self_start" || exit "$E_LOCKED"
  : >log; : >samples
  make_room || exit "$E_SUPERVISOR"
  read_uptime
  begun=$uptime
  write_status
  describe_self
  hold_steady
  publish "$run/supervisor" "contract=$CONTRACT${newline}pid=$$${newline}start=$self_start
boot_id=$boot_id${newline}adbd=$adbd${newline}uptime=$uptime${newline}launches=$launch_count
usb_state=$(getprop sys.usb.state 2>/dev/null)
screen=$(getprop debug.tracing.screen_state 2>/dev/null)${newline}plugged=$(read_plugged)
steady=$steady${newline}agent=${agent##*/}
$lines" || exit "$E_SUPERVISOR"
}

# The power supplies that say that they feed the phone, where this user may ask.
read_plugged() {
  found=
  for folder in "$sys"/class/power_supply/*/; do
    slurp "${folder}online" || continue
    name=${folder%/}
    found="$found${name##*/}:$text "
  done
  out "${found% }"
}

# The folders of all launches, and room for the ends of all and of the run.
make_room() {
  made=0
  while [ "$made" -lt "$launch_count" ]; do
    made=$((made + 1))
    place "$made" && mkdir -p "$launch_dir" && reserve "$launch_dir" || return 1
  done
  reserve "$run" && out "$padding" >"$run/.spare"
}

# Captured here and not read over adb: the ring holds about a minute of a chatty phone. It begins with this moment and
# not with whatever comes once logcat is ready, for which the workload does not wait.
start_log() {
  read_wall
  capture_log </dev/null >>log 2>>agent &
  logcat=$!
  if start_of "$logcat"; then publish "$run/capture" "$logcat $start"; fi
  logcat_start=$start
}

# The buffer `events` tells how many lines liblog dropped. To stdout, where logcat writes each line at once: the one of
# newer releases keeps what goes to a file of its own in a buffer, and loses that when it is ended. The bound is the
# process's own: it dies of SIGXFSZ, and the end of the run tells.
capture_log() {
  ulimit -f "$LOG_BLOCKS"
  launch_tags exec setsid logcat -b main,system,crash,events -v threadtime -v epoch -v nsec -v uid -T "$wall" \
    devicehub:V
}

start_sampler() {
  setsid sh "$agent/sample.sh" "$run_id" "$$" "$self_start" </dev/null >/dev/null 2>>"$run/agent" &
  sampler=$!
  if start_of "$sampler"; then sampler_start=$start; fi
}

# Runs beside the supervisor: its sign of life, its limits, and its avenger. What it does not share with it, it reads.
watch() {
  state=running
  number=1
  scarce=0
  while alive "$$" "$self_start"; do
    read_workload
    read_uptime
    check_memory
    check_time
    case $beats in *[05]) check_space ;; esac
    case $beats in *[02468]) write_status ;; esac
    beats=$((beats + 1))
    sleep 1
  done
  end_helpers
  read_workload
  if alive "$workload" "$workload_start"; then signal_group KILL "$workload"; fi
  stop_app "$launch_dir"
}

# Sets workload and workload_start to those of the launch under way, which the watcher sees in files only.
read_workload() {
  while place "$number" && [ -f "$launch_dir/exit" ]; do number=$((number + 1)); done
  workload=
  slurp "$launch_dir/pid" || return 0
  text=${text%%"$newline"*}
  workload=${text%% *}
  workload_start=${text#* }
}

# Under pressure Android takes every app and then itself before it takes a process of the shell's.
check_memory() {
  [ -n "$workload" ] && slurp "$proc/meminfo" || return 0
  free=${text#*MemAvailable:}
  [ "$free" != "$text" ] || return 0
  # shellcheck disable=SC2086
  set -- ${text#*MemTotal:}
  case $1 in '' | *[!0-9]*) return 0 ;; esac
  least=$(($1 / 20))
  [ "$least" -gt 262144 ] || least=262144
  # shellcheck disable=SC2086
  set -- $free
  if [ "$1" -ge "$least" ]; then scarce=0; return 0; fi
  scarce=$((scarce + 1))
  [ "$scarce" -ne 2 ] || end_run out_of_memory "$$"
}

check_time() {
  [ -n "$limit_wall_s" ] && [ -n "$begun" ] && [ -n "$uptime" ] || return 0
  [ $((${uptime%%.*} - ${begun%%.*})) -lt "$limit_wall_s" ] || end_run limit_time "$$"
}

# Sets free_kib to what the disk has left, as text; empty where it is not told.
read_space() {
  free_kib=$(df -k "$run" 2>/dev/null)
  # "Filesystem 1K-blocks Used Available Use% Mounted on", then the one line.
  # shellcheck disable=SC2086
  set -- ${free_kib##*"$newline"}
  free_kib=${4-}
  case $free_kib in *[!0-9]*) free_kib= ;; esac
}

check_space() {
  [ -n "$limit_free_mib" ] || return 0
  read_space
  # Ten digits are more than a terabyte, and more than this arithmetic holds.
  case $free_kib in '' | ??????????*) return 0 ;; esac
  [ $((free_kib / 1024)) -ge "$limit_free_mib" ] || end_run limit_space "$$"
}

stop() {
  [ -z "$stopping" ] || return 0
  if read_stop; then stopping=$text; else stopping=stopped; fi
  stop_workload
}

# A workload that has ended by itself keeps its end.
stop_workload() {
  alive "$workload" "$workload_start" || return 0
  launch_cause=$stopping
  kill_workload
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

run_launch() {
  place "$number"
  launch_cause=
  pass_gate
  [ -z "$stopping" ] || return 0
  count_caches
  caches_before=$caches
  bracket
  read_uptime
  started=$uptime
  setsid sh "$agent/workload.sh" "$run_id" "$number" "$$" "$self_start" \
    </dev/null >"$launch_dir/stdout" 2>"$launch_dir/stderr" &
  child=$!
  launched=$number
  if start_of "$child"; then workload_start=$start; else workload_start=; fi
  # Set last: the trap kills a workload that it can tell from others.
  workload=$child
  [ -z "$stopping" ] || stop_workload
  # A trapped signal ends a wait early: only a process that is gone has a status.
  while :; do
    wait "$workload"
    status=$?
    alive "$workload" "$workload_start" || break
  done
  if [ -n "$launch_cause" ]; then
    wait "$workload" 2>/dev/null
    again=$?
    [ "$again" -eq 127 ] || status=$again
  fi
  # What it left behind in its group would disturb the next launch.
  kill -s KILL -- "-$workload" 2>/dev/null
  stop_app "$launch_dir"
  read_uptime
  ended=$uptime
  bracket
  conclude_launch
  workload=
}

# Readings on both sides of a launch that the sampler leaves alone: without them nobody knows whether the phone slept.
bracket() {
  [ -n "$launch_sampled" ] && return 0
  sh "$agent/sample.sh" "$run_id" "$$" "$self_start" once </dev/null >/dev/null 2>>"$run/agent"
}

conclude_launch() {
  # A half-written cache of a killed engine stops the next one (it waits for ever or reads garbage).
  if [ -n "$launch_cause" ] || [ "$status" -gt 125 ]; then
    case $launch_cwd in "$root"/work/*) rm -rf "$launch_cwd"/*.static "$launch_cwd"/*/*.static ;; esac
  fi
  # What an engine keeps for later launches serves none where this was its own folder.
  [ "$launch_cwd" != "$launch_dir" ] || rm -rf "${launch_dir:?}"/*/ "$launch_dir"/*.static "$launch_dir"/mnn_cachefile.bin*
  count_caches
  settle_log
  read_space
  # Lines, each after a newline: the file holds no blank one before its end.
  text=
  if slurp "$launch_dir/pid"; then text=$newline${text#*"$newline"}; fi
  [ "$status" -ne 137 ] || [ -n "$launch_cause" ] || read_kernel
  write_exit "$launch_dir" "launch=$number${newline}boot_id=$boot_id${newline}status=$status${newline}cause=$launch_cause
started=$started${newline}ended=$ended${newline}workload=$workload${newline}free_kib=$free_kib
log=$(stat -c %s log 2>/dev/null)
caches_before=$caches_before${newline}caches_after=$caches
$gate_lines$(sizes_of stdout stderr)$text${newline}end=launch"
  publish_exit "$launch_dir"
  discard_work
}

# What an engine keeps of its tuning and of its weights; a launch that made some was cold.
count_caches() {
  caches=
  case $launch_cwd in "$root"/work/*) ;; *) return 0 ;; esac
  caches=0
  for cache in "$launch_cwd"/*.static "$launch_cwd"/*/*.static "$launch_cwd"/mnn_cachefile.bin* \
    "$launch_cwd"/*/mnn_cachefile.bin*; do
    [ ! -f "$cache" ] || caches=$((caches + 1))
  done
}

# Removes a work folder that is for this list alone, unless a later launch runs there as well.
discard_work() {
  [ -n "$launch_discards" ] || return 0
  discarded=$launch_cwd later=$number
  while [ -z "$stopping" ]; do
    later=$((later + 1))
    place "$later" || break
    [ "$launch_cwd" != "$discarded" ] || return 0
  done
  case $discarded in "$root"/work/?*) rm -rf "$discarded" ;; esac
}

# Until the log has what the launch wrote. Of one that did not end well the phone tells more later: crash_dump, lmkd,
# ActivityManager.
settle_log() {
  [ -f "$launch_dir/app" ] || settle_own_lines
  if [ "$status" -ne 0 ] || [ -n "$launch_cause" ] || [ -f "$launch_dir/app" ]; then sleep "$LOG_TAIL_S"; fi
}

# logd keeps the order in which it was told, and a workload that has ended has told all: a line of our own is the last.
settle_own_lines() {
  size=$(stat -c %s log 2>/dev/null)
  mark="run $run_id launch $number has ended"
  if ! log -p v -t devicehub "$mark" </dev/null >/dev/null 2>&1; then sleep "$LOG_TAIL_S"; return 0; fi
  begin=${size:-1} quiet=0 looks=0
  [ "$begin" != 0 ] || begin=1
  # tail counts the bytes, for they may be more than this arithmetic holds.
  until tail -c "+$begin" <log 2>/dev/null | grep -q -e "$mark"; do
    alive "$logcat" "$logcat_start" || return 0
    looks=$((looks + 1)) quiet=$((quiet + 1))
    new=$(stat -c %s log 2>/dev/null)
    [ "$new" = "$size" ] || quiet=0
    size=$new
    if [ "$quiet" -ge "$LOG_QUIET" ] || [ "$looks" -ge "$LOG_PATIENCE" ]; then return 0; fi
    sleep "$LOG_POLL_S"
  done
}

# Adds to text what the kernel says of a kill, on the builds that let this user read it.
read_kernel() {
  kernel=$(dmesg 2>/dev/null | grep -e 'Killed process' | tail -n 3)
  while [ -n "$kernel" ]; do
    text=$text${newline}kernel=${kernel%%"$newline"*}
    case $kernel in *"$newline"*) kernel=${kernel#*"$newline"} ;; *) kernel= ;; esac
  done
}

# sizes_of NAME...: NAME=BYTES lines of what there is, below the launch's folder.
sizes_of() { cd "$launch_dir" && stat -c '%n=%s' "$@" 2>/dev/null; }

# Ends logcat and sampler. One signal is not enough: a child that has just been forked may miss it.
end_helpers() {
  tries=0
  while :; do
    left=
    end_helper "$logcat" "$logcat_start"
    end_helper "$sampler" "$sampler_start"
    [ -n "$left" ] || return 0
    tries=$((tries + 1))
    sleep 0.05
  done
}

end_helper() {
  alive "$1" "$2" || return 0
  left=1
  if [ "$tries" -lt 30 ]; then signal_group TERM "$1"; else signal_group KILL "$1"; fi
}

finish() {
  trap '' TERM INT
  # A stop that came when all was done changes nothing.
  if [ "$launched" -gt 0 ] && [ "$launched" -eq "$launch_count" ]; then stopping=$launch_cause; fi
  # Where it had ended before it was told to, what came later is missing.
  if alive "$logcat" "$logcat_start"; then captured=1; else captured=0; fi
  # A shell takes no other signal while it waits for its sleep.
  kill -s KILL "$watcher" 2>/dev/null
  end_helpers
  wait "$logcat"
  logcat_status=$?
  wait "$sampler"
  wait "$watcher"
  # 128 + SIGXFSZ
  wrapped=0
  [ "$logcat_status" -ne 153 ] || wrapped=1
  state=ended
  workload=
  read_uptime
  write_status
  write_exit "$run" "contract=$CONTRACT${newline}cause=$stopping${newline}launches=$launched${newline}boot_id=$boot_id
started=$begun${newline}ended=$uptime
log_captured=$captured${newline}logcat=$logcat_status${newline}log_wrapped=$wrapped
$(stat -c '%n=%s' samples log 2>/dev/null)${newline}end=exit"
  sync_files
  [ ! -f "$root/steady" ] || sh "$agent/steady.sh" off "$run_id" </dev/null >/dev/null 2>>"$run/agent"
  drop_lock
  publish_exit "$run"
}

# f2fs and ext4 may publish a rename before the data; fsync came with Android 11 and spares the other files.
sync_files() {
  set -- log samples .exit
  number=0
  while [ "$number" -lt "$launched" ]; do
    number=$((number + 1))
    place "$number"
    set -- "$@" "$launch_dir/stdout" "$launch_dir/stderr" "$launch_dir/exit"
  done
  fsync "$@" 2>/dev/null || sync
}

trap stop TERM INT
introduce
# A stop that came before there was a supervisor to signal.
[ ! -f "$run/stop" ] || stop
start_log
start_sampler
watch &
watcher=$!
# Before a warm-up can lower them; the fixed-performance mode has caps of its own, which may come late.
[ -z "$gate_temp_mc" ] || [ "$steady" = on ] || look_at_caps
while [ "$number" -lt "$launch_count" ] && [ -z "$stopping" ]; do
  number=$((number + 1))
  run_launch
done
finish
