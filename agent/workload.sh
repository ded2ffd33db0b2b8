#!/system/bin/sh
# workload.sh RUN_ID NUMBER: becomes that launch's process; supervise.sh starts it with setsid, its files open.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
launch_dir=$run/$2
launch_cwd=
# shellcheck disable=SC1091
. "$run/launch"

"launch_$2_place"
be_victim
describe_self
start_of "$$" && publish "$launch_dir/pid" "$$ $start$newline$lines"
cd "$launch_cwd" || exit 125
unset DEVICEHUB_PROC DEVICEHUB_SYS
# Last: library paths of the engine must not reach the phone's own commands.
"launch_$2_env"
"launch_$2_argv" exec
