#!/system/bin/sh
# ctl.sh: looks at runs and ends them.
#   ctl.sh status RUN_ID                    key=value lines: state=prepared|running|ended|lost, then what is known
#   ctl.sh stop RUN_ID [CAUSE]              asks the supervisor to end the run; ends its leftovers where none lives
#   ctl.sh follow RUN_ID NONCE OUT ERR LOG SAMPLES   streams the files from these bytes on, counted from 1
#   ctl.sh list                             RUN_ID STATE lines
#   ctl.sh gc RUN_DAYS WORK_DAYS            removes ended runs, and work folders by last use
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
TICK_S=0.2

# Sets state, and cause for a lost run. A supervisor may publish `exit` and vanish between two looks.
read_state() {
  state=ended
  [ ! -f "$run/exit" ] || return 0
  state=prepared
  [ -f "$run/supervisor" ] || return 0
  state=running
  find_supervisor && return 0
  state=ended
  [ ! -f "$run/exit" ] || return 0
  state=lost
  why_lost
}

show() { if slurp "$run/$1"; then out "$text"; fi; }

show_status() {
  read_state
  case $state in
    ended) show exit ;;
    *) show status; show supervisor ;;
  esac
  # Last: the status file of a dead supervisor says that it runs.
  [ "$state" != lost ] || out "cause=$cause"
  out "state=$state"
}

stop_run() {
  case ${1-stopped} in *[!a-z_]* | '') die "$E_USAGE" "not a cause: ${1-}" ;; esac
  (set -C; out "${1-stopped}" >"$run/stop") 2>/dev/null
  read_state
  case $state in
    running) kill -s TERM "$super" ;;
    lost) end_leftovers KILL; drop_lock ;;
  esac
  out "state=$state"
}

# mark WORD: what follows is of this kind. The nonce is the asker's own, so no file can hold it.
mark() { out "$nonce $1"; }

follow_run() {
  nonce=$1
  cd "$run" 2>/dev/null && [ -f supervisor ] || die "$E_NO_RUN" "run $run_id was not started here"
  exec 3<stdout 4<stderr 5<log 6<samples
  # The descriptors keep their places between two commands: no offset is ever computed here.
  mark stdout; tail -c "+$2" <&3
  mark stderr; tail -c "+$3" <&4
  mark log; tail -c "+$4" <&5
  mark samples; tail -c "+$5" <&6
  mark tick
  sizes=
  read_state
  while :; do
    # Looked at before the files: what was written before the end is sent.
    if [ -f exit ]; then state=ended; elif ! alive "${super-}" "${super_start-}"; then read_state; fi
    new=$(stat -c %s stdout stderr log samples)
    [ "$new" = "$sizes" ] && [ "$state" = running ] || send_rest
    sizes=$new
    case $state in
      ended) mark exit; show exit; mark end; return 0 ;;
      lost) mark lost; show_status; mark end; return 0 ;;
    esac
    mark tick
    sleep "$TICK_S"
  done
}

send_rest() {
  mark stdout; cat <&3
  mark stderr; cat <&4
  mark log; cat <&5
  if [ -f log.1 ] && [ -z "${wrapped-}" ]; then wrapped=1; exec 5<log; cat <&5; fi
  mark samples; cat <&6
}

list_runs() {
  for folder in "$root"/runs/*/; do
    folder=${folder%/}
    [ -d "$folder" ] || continue
    (use_run "${folder##*/}" 2>/dev/null && read_state && out "$run_id $state")
  done
}

# is_older PATH DAYS
is_older() { [ -n "$(find "$1" -prune -mtime "+$2" 2>/dev/null)" ]; }

collect_garbage() {
  case "$1$2" in *[!0-9]*) die "$E_USAGE" "days are whole numbers" ;; esac
  for folder in "$root"/runs/*/; do
    folder=${folder%/}
    [ -d "$folder" ] || continue
    is_older "$folder" "$1" || continue
    (use_run "${folder##*/}" && read_state && [ "$state" != running ] && rm -rf "$run" && out "runs/$run_id")
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
command=${1-}
case "$command:$#" in
  status:2) use_run "$2"; show_status ;;
  stop:[23]) use_run "$2"; stop_run "${3-stopped}" ;;
  follow:7) use_run "$2"; follow_run "$3" "$4" "$5" "$6" "$7" ;;
  list:1) list_runs ;;
  gc:3) collect_garbage "$2" "$3" ;;
  *) die "$E_USAGE" "usage: ctl.sh status|stop|follow|list|gc ..." ;;
esac
