#!/system/bin/sh
# workload.sh RUN_ID NUMBER SUPERVISOR START: becomes that launch's process; supervise.sh starts it with setsid, its files
# open.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
launch_count=0 launch_cwd=''
# shellcheck disable=SC1091
. "$run/launch"

place "$2"
be_victim
describe_self
start_of "$$" && publish "$launch_dir/pid" "$$ $start$newline$lines"
# Whoever ends what a killed supervisor has left looks for this pid, and may have looked before it was there.
alive "$3" "$4" || exit 125
cd "$launch_cwd" || exit 125
unset DEVICEHUB_PROC DEVICEHUB_SYS
# Last: library paths of the engine must not reach the phone's own commands.
"launch_$2_env"
"launch_$2_argv" exec
