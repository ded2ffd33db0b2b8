#!/system/bin/sh
# ctl.sh: looks at runs and ends them.
#   ctl.sh status RUN_ID          key=value lines; the last is state=none|prepared|running|ended|lost
#   ctl.sh stop RUN_ID [CAUSE]    asks for the run's end; a run that has not begun will not; ends leftovers
#   ctl.sh follow RUN_ID NONCE LAUNCH OUT ERR LOG SAMPLES   streams the files from this launch and these bytes on
#   ctl.sh repeat RUN_ID LAUNCH NONCE   says the nonce and becomes that launch's workload, under the phone's lock
#   ctl.sh list                   RUN_ID STATE lines
#   ctl.sh gc RUN_DAYS WORK_DAYS  removes ended runs, and work folders by last use
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
TICK_S=0.2
HASTE_S=0.05

# Sets state, and cause for a lost run. A supervisor may publish `exit` and vanish between two looks.
read_state() {
  state=ended
  [ ! -f "$run/exit" ] || return 0
  state=none
  [ -d "$run" ] || return 0
  state=prepared
  [ -f "$run/claim" ] || return 0
  state=running
  find_supervisor && return 0
  if [ ! -f "$run/supervisor" ]; then find_starter && return 0; fi
  state=ended
  [ ! -f "$run/exit" ] || return 0
  state=lost
  why_lost
}

# Whether the run.sh that claimed the run is about to bring a supervisor up.
find_starter() {
  slurp "$run/claim" || return 1
  # shellcheck disable=SC2086
  set -- $text
  [ "${3-}" = "$boot_id" ] && alive "${1-}" "${2-}"
}

# Blank lines are what is left of the room that was kept for the file.
show_file() { if slurp "$1"; then out "${text%%"$newline$newline"*}"; fi; }

show() { show_file "$run/$1"; }

show_status() {
  read_state
  case $state in
    ended) show_launches; show exit; show_facts ;;
    running) show status; show supervisor; show gate ;;
    *) show status; show supervisor ;;
  esac
  # Last: the status file of a dead supervisor says that it runs.
  out "phone_boot_id=$boot_id"
  [ "$state" != lost ] || out "cause=$cause"
  out "state=$state"
}

# Of the supervisor's first words those that hold after it: who collects the run may not have heard them.
show_facts() {
  for fact in usb_state screen plugged steady agent; do
    if field "$run/supervisor" "$fact"; then out "$fact=$value"; fi
  done
}

show_launches() {
  read_launch
  number=1
  while place "$number" && [ -f "$launch_dir/exit" ]; do
    show_file "$launch_dir/exit"
    number=$((number + 1))
  done
}

stop_run() {
  case ${1-stopped} in *[!a-z_]* | '') die "$E_USAGE" "not a cause: ${1-}" ;; esac
  # Also where the run is not there yet: whoever asked has given it up, and run.sh may be on its way.
  mkdir -p "$run"
  [ -f "$run/exit" ] || ask_stop "$1"
  read_state
  case $state in
    running) find_supervisor && kill -s TERM "$super" ;;
    lost) end_leftovers; read_launch; drop_lock ;;
    ended) end_leftovers ;;
  esac
  out "state=$state"
}

# mark WORDS: what follows is of this kind. The nonce is the asker's own, so no file can hold it.
mark() { out "$nonce $1"; }

follow_run() {
  nonce=$1 number=$2 from_out=$3 from_err=$4
  read_state
  case $state in none | prepared) die "$E_NO_RUN" "run $run_id was not started here" ;; esac
  # Claimed, its supervisor on its way: or it never came up, and there are no files.
  while [ "$state" = running ] && [ ! -f "$run/supervisor" ]; do
    sleep "$TICK_S"
    read_state
  done
  if [ ! -f "$run/supervisor" ]; then mark lost; show_status; mark end; return 0; fi
  cd "$run" || exit "$E_NO_RUN"
  read_launch
  opened='' seen='' pause=$TICK_S
  exec 5<log 6<samples
  mark log; tail -c "+$5" <&5
  mark samples; tail -c "+$6" <&6
  mark tick
  read_state
  while :; do
    # Looked at before the files: what was written before the end is sent.
    if [ -f exit ]; then state=ended; elif ! alive "${super-}" "${super_start-}"; then read_state; fi
    while open_launch && [ -f "$launch_dir/exit" ]; do
      send_all
      mark launch_exit
      show_file "$launch_dir/exit"
      out "phone_boot_id=$boot_id"
      mark tick
      exec 3<&- 4<&-
      # What comes next, the run's end or a launch, is near.
      pause=$HASTE_S
      opened='' from_out=1 from_err=1
      number=$((number + 1))
    done
    new=$(stat -c %s "$launch_dir/stdout" "$launch_dir/stderr" log samples 2>/dev/null)
    if [ "$new" != "$seen" ] || [ "$state" != running ]; then send_all; fi
    seen=$new
    case $state in
      ended) mark exit; show_status; mark end; return 0 ;;
      lost) mark lost; show_status; mark end; return 0 ;;
    esac
    mark tick
    sleep "$pause"
    pause=$TICK_S
  done
}

# Opens the files of the current launch where it has begun. The descriptors keep their places between two commands:
# no offset is ever computed here.
open_launch() {
  [ -z "$opened" ] || return 0
  place "$number" && [ -f "$launch_dir/stderr" ] || return 1
  exec 3<"$launch_dir/stdout" 4<"$launch_dir/stderr"
  opened=1
  mark "stdout $number"; tail -c "+$from_out" <&3
  mark "stderr $number"; tail -c "+$from_err" <&4
}

send_all() {
  if [ -n "$opened" ]; then
    mark "stdout $number"; cat <&3
    mark "stderr $number"; cat <&4
  fi
  mark log; cat <&5
  mark samples; cat <&6
}

# The lock's holder is this process and what it becomes: a hang-up ends both.
repeat_launch() {
  case $1 in '' | *[!0-9]*) die "$E_USAGE" "not a launch: $1" ;; esac
  read_launch
  if [ ! -f "$run/exit" ] || ! place "$1" || [ ! -f "$launch_dir/exit" ]; then
    die "$E_NO_RUN" "launch $1 of run $run_id has not ended here"
  fi
  start_of "$$" || die "$E_SUPERVISOR" "cannot read /proc/$$/stat"
  take_lock "$run_id" "$$" "$start" || { out "holder=$holder" >&2; exit "$E_LOCKED"; }
  launch_dir=$run/diagnosis
  mkdir -p "$launch_dir"
  publish "$launch_dir/pid" "$$ $start"
  be_victim
  cd "$launch_cwd" || exit 125
  unset DEVICEHUB_PROC DEVICEHUB_SYS
  out "$2"
  "launch_$1_env"
  "launch_$1_argv" exec </dev/null
}

list_runs() {
  for folder in "$root"/runs/*/; do
    folder=${folder%/}
    [ -d "$folder" ] || continue
    (use_run "${folder##*/}" 2>/dev/null && follow_list && read_state && out "${folder##*/} $state")
  done
}

# is_older PATH DAYS
is_older() { [ -n "$(find "$1" -prune -mtime "+$2" 2>/dev/null)" ]; }

collect_garbage() {
  case "$1$2" in *[!0-9]*) die "$E_USAGE" "days are whole numbers" ;; esac
  for folder in "$root"/runs/*/; do
    folder=${folder%/}
    [ -d "$folder" ] || continue
    # By the age of the list that it is part of: of two such runs none is of use without the other.
    (use_run "${folder##*/}" && follow_list && { [ -d "$run" ] || run=$folder; } && is_older "$run" "$1" && read_state &&
      [ "$state" != running ] && rm -rf "$folder" && out "runs/${folder##*/}")
  done
  # A run that begins meanwhile renews the stamp or writes the folder again; the lock keeps it from starting here.
  start_of "$$" || return 0
  take_lock gc "$$" "$start" || return 0
  run_id=gc
  for folder in "$root"/work/*/; do
    folder=${folder%/}
    [ -d "$folder" ] || continue
    stamp=$folder/.last_used
    [ -f "$stamp" ] || stamp=$folder
    if is_older "$stamp" "$2"; then rm -rf "$folder" && out "work/${folder##*/}"; fi
  done
  drop_lock
}

read_boot_id
# A run that is gone may have left the phone in a mode of its own; any contact undoes that.
[ ! -f "$root/steady" ] || sh "$agent/steady.sh" restore </dev/null >/dev/null 2>&1
command=${1-}
case "$command:$#" in
  status:2) use_run "$2"; follow_list; show_status ;;
  stop:[23]) use_run "$2"; follow_list; stop_run "${3-stopped}" ;;
  follow:8) use_run "$2"; follow_list; follow_run "$3" "$4" "$5" "$6" "$7" "$8" ;;
  repeat:4) use_run "$2"; follow_list; repeat_launch "$3" "$4" ;;
  list:1) list_runs ;;
  gc:3) collect_garbage "$2" "$3" ;;
  *) die "$E_USAGE" "usage: ctl.sh status|stop|follow|repeat|list|gc ..." ;;
esac
