#!/system/bin/sh
# workload.sh RUN_ID: becomes the workload; supervise.sh starts it with setsid and its files already open.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
launch_cwd=
# shellcheck disable=SC1091
. "$run/launch"

start_of "$$" && publish "$run/pid" "$$ $start"
# adbd's children cannot be killed (-950, on Android 8 -1000): a model too big would take the phone instead.
echo 500 2>/dev/null >/proc/self/oom_score_adj
cd "$launch_cwd" || exit 125
unset DEVICEHUB_PROC DEVICEHUB_SYS
# Last: library paths of the engine must not reach the phone's own commands.
launch_env
launch_argv exec
