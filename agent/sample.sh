#!/system/bin/sh
# sample.sh RUN_ID SUPERVISOR START: appends to `samples` until the supervisor is gone.
# sample.sh RUN_ID SUPERVISOR START once: appends what tells a sleep or a set clock, and nothing more.
# What can be read without a fork is read at the run's rate. What only dumpsys gives comes in a slow lane of its own,
# so that a hanging system service delays no sample. Changes nothing on the phone; where a limit of temperature or
# battery is passed it asks the supervisor for the run's end.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
super=$2
super_start=$3
SLOW_S=5
cd "$run" || exit "$E_NO_RUN"
launch_count=0 launch_period=1 limit_temp_mc='' limit_battery=''
# shellcheck disable=SC1091
. "$run/launch"
number=1
slow=
thermal_service=thermalservice
tab=$(printf '\t')
power=$sys/class/power_supply/battery

# add KEY VALUE: absent is absent, never zero; a value cannot break the line.
add() {
  case $2 in '' | *"$tab"* | *"$newline"*) ;; *) sample=$sample$tab$1=$2 ;; esac
}

add_file() { if slurp "$2"; then add "$1" "$text"; fi; }

# add_word KEY NAME: the first word that follows NAME in text.
add_word() {
  case $text in *"$2"*) ;; *) return 0 ;; esac
  word_key=$1
  # shellcheck disable=SC2086
  set -- ${text#*"$2"}
  word=${1-}
  add "$word_key" "$word"
}

# begin LANE: uptime counts a suspension, the wall clock steps: the hub compares the two. Uptime is read on both sides
# of the wall clock and of the ticks, of which a suspended CPU counts none: a sampler that was kept waiting in between
# shows no step and no sleep.
begin() {
  sample=$1
  if slurp "$proc/uptime"; then add up "${text%% *}"; fi
  read_wall
  add wall "$wall"
  if [ "$1" = fast ] && slurp "$proc/stat"; then
    text=${text%%"$newline"*}
    add cpu "${text#cpu  }"
  fi
  if slurp "$proc/uptime"; then add up2 "${text%% *}"; fi
}

# ask SERVICE: sets text to what dumpsys says of it; fails where the service hangs. Other statuses say nothing: toybox
# 0.8.9 calls many a command missing that was only quick.
ask() {
  text=$(timeout 4 dumpsys "$1" 2>/dev/null)
  case $? in 124 | 137 | 143) return 1 ;; esac
}

# Sets zones to "TYPE FILE" lines, at most three of a class: phones have up to a hundred zones, and reading them heats
# the very core that is measured. Sets surfaces to the types among them that a limit counts.
choose_zones() {
  zones=
  surfaces=' '
  seen=
  for zone in "$sys"/class/thermal/thermal_zone*; do
    is_number "$zone/temp" || continue
    slurp "$zone/type" || continue
    case $text in '' | *[!A-Za-z0-9._-]*) continue ;; esac
    classify_zone "$text"
    case $seen in *"<$class><$class><$class>"*) continue ;; esac
    [ -n "$class" ] || continue
    case $seen in
      *"<$class>"*) seen=${seen%%"<$class>"*}"<$class><$class>${seen#*"<$class>"}" ;;
      *) seen="$seen<$class>" ;;
    esac
    zones="$zones$text $zone/temp$newline"
    case $class in skin | battery) surfaces="$surfaces$text " ;; esac
  done
}

# Sets battery to KEY=FILE words for what sysfs lets this user read.
choose_battery() {
  battery=
  for pair in capacity:capacity temp:temp current:current_now voltage:voltage_now; do
    if is_number "$power/${pair#*:}"; then battery="$battery$pair "; fi
  done
  # "Discharging", "Not charging": a word or two.
  if [ -n "$battery" ] && slurp "$power/status" && [ -n "$text" ]; then battery="${battery}status:status "; fi
}

# Sets gpu to KEY=FILE words: load and clock as the drivers of Adreno, Mali and MediaTek give them.
choose_gpu() {
  gpu=
  for file in class/kgsl/kgsl-3d0/gpu_busy_percentage class/kgsl/kgsl-3d0/gpubusy \
    class/misc/mali0/device/utilization kernel/gpu/gpu_busy kernel/ged/hal/gpu_utilization; do
    # "37 %", "37", busy and total cycles "1200 40000", or "37 0 63".
    slurp "$sys/$file" || continue
    case $text in [0-9]*) gpu="busy=$sys/$file "; break ;; esac
  done
  for file in class/kgsl/kgsl-3d0/gpuclk class/misc/mali0/device/cur_freq kernel/gpu/gpu_clock; do
    if is_number "$sys/$file"; then gpu="${gpu}clock=$sys/$file "; break; fi
  done
}

sample_fast() {
  read_fast
  out "$sample" >>samples
}

read_fast() {
  begin fast
  if slurp "$proc/meminfo"; then add_word mem_kb MemAvailable:; fi
  if slurp "$proc/loadavg"; then add load "${text%% *}"; fi
  for folder in $clocks; do
    name=${folder%/cpufreq}
    name=${name##*/}
    add_file "khz.$name" "$folder/scaling_cur_freq"
    add_file "cap.$name" "$folder/scaling_max_freq"
  done
  for pair in $battery; do
    slurp "$power/${pair#*:}" || continue
    add "battery.${pair%:*}" "$text"
    check_battery "${pair%:*}" "$text"
  done
  for pair in $gpu; do add_file "gpu.${pair%%=*}" "${pair#*=}"; done
  # Type and file stand in turn; neither holds a blank.
  zone=
  for item in $zones; do
    if [ -z "$zone" ]; then zone=$item; continue; fi
    if slurp "$item"; then
      add "zone.$zone" "$text"
      # Most kernels give milli-degrees, some degrees.
      case $surfaces:$text in
        *" $zone "*:? | *" $zone "*:??) check_heat "${text}000" ;;
        *" $zone "*) check_heat "$text" ;;
      esac
    fi
    zone=
  done
  sample_workload
}

# A limit is a limit in a launch that is left alone as well; there it is looked at as rarely as in the slow lane.
must_look() { [ -n "$limit_temp_mc$limit_battery" ]; }

# Sets number and launch_dir to the launch under way; fails while it runs and wants to be left alone.
may_sample() {
  while place "$number" && [ -f "$launch_dir/exit" ]; do number=$((number + 1)); done
  [ -n "$launch_sampled" ] || [ ! -f "$launch_dir/pid" ]
}

sample_workload() {
  # An app is not of the agent's making: app.sh tells which process it is.
  slurp "$launch_dir/watch" || slurp "$launch_dir/pid" || return 0
  watched=${text%% *}
  slurp "/proc/$watched/status" || return 0
  add_word rss_kb VmRSS:
  add_word peak_kb VmHWM:
  add_word threads Threads:
  slurp "/proc/$watched/stat" || return 0
  after=') '
  # shellcheck disable=SC2086
  set -- ${text##*"$after"}
  add ticks "${12-} ${13-}"
}

# check_heat MILLIDEGREES: what no sensor can have measured counts for nothing.
check_heat() {
  [ -n "$limit_temp_mc" ] || return 0
  case $1 in '' | *[!0-9]* | ???????*) return 0 ;; esac
  if [ "$1" -lt 250000 ] && [ "$1" -ge "$limit_temp_mc" ]; then
    limit_temp_mc=
    end_run limit_temperature "$super"
  fi
}

# check_battery KEY VALUE: percent, and tenths of a degree.
check_battery() {
  case $1 in
    temp) check_heat "${2}00" ;;
    capacity)
      case $limit_battery:$2 in :* | *: | *:*[!0-9]* | *:????*) return 0 ;; esac
      [ "$2" -lt "$limit_battery" ] || return 0
      limit_battery=
      end_run limit_battery "$super"
      ;;
  esac
}

# dumpsys battery: "  level: 97", "  temperature: 310"; one vendor adds "pad level: -1" after it.
sample_battery() {
  ask battery || return 0
  begin_kept battery
  for pair in capacity:level temp:temperature voltage:voltage status:status; do
    text=$kept
    word=
    add_word "battery.${pair%:*}" "$newline  ${pair#*:}:"
    check_battery "${pair%:*}" "$word"
  done
  out "$sample" >>samples
}

sample_heat() {
  ask "$thermal_service" || return 0
  case $thermal_service:$text in
    thermalservice:*'Thermal Status:'* | thermalservice:*'Temperature{'*) sample_thermal ;;
    # Android 8 and 9 have the older service only.
    thermalservice:*) thermal_service=hardware_properties; sample_heat ;;
    *) sample_hardware ;;
  esac
}

# dumpsys hardware_properties: "CPU temperatures: [38.0, 39.5]", "Skin throttling temperatures: [...]", ...
sample_hardware() {
  begin_kept hardware
  for class in CPU GPU Battery Skin; do
    case $kept in *"$newline$class temperatures: ["*) ;; *) continue ;; esac
    item=${kept#*"$newline$class temperatures: ["}
    item=${item%%]*}
    index=0
    # shellcheck disable=SC2086
    for item in $item; do
      item=${item%,}
      add "hal.$class$index" "$item"
      case $class in Battery | Skin) check_degrees "$item" ;; esac
      index=$((index + 1))
    done
  done
  out "$sample" >>samples
}

# check_degrees VALUE: "38.2"
check_degrees() {
  item=${1#*.}
  [ "$item" != "$1" ] || item=0
  check_heat "${1%%.*}${item%"${item#?}"}00"
}

# dumpsys thermalservice: "Thermal Status: 0", then cached values, which are stale, then
# "Current temperatures from HAL:" and lines of "Temperature{mValue=38.2, mType=3, mName=skin, mStatus=0}".
sample_thermal() {
  begin_kept thermal
  text=$kept
  add_word status 'Thermal Status:'
  case $kept in *'Current temperatures from HAL:'*) kept=${kept#*'Current temperatures from HAL:'} ;; esac
  kept=${kept%%'Current cooling'*}
  while :; do
    case $kept in *'Temperature{'*) ;; *) break ;; esac
    kept=${kept#*'Temperature{'}
    item=${kept%%'}'*}
    name=${item#*mName=}
    name=${name%%,*}
    type=${item#*mType=}
    item=${item#*mValue=}
    item=${item%%,*}
    case $name in '' | *[!A-Za-z0-9._-]*) ;; *) add "hal.$name" "$item" ;; esac
    # Types 2 and 3 are battery and skin.
    case $type in [23],*) check_degrees "$item" ;; esac
  done
  out "$sample" >>samples
}

# begin_kept LANE: as begin, while text moves to kept, a newline before its first line.
begin_kept() {
  kept=$newline$text
  begin "$1"
}

slow_lane() {
  while alive "$super" "$super_start"; do
    case $slow in *battery*) if may_sample || must_look; then sample_battery; fi ;; esac
    case $slow in *heat*) sleep 1; if may_sample || must_look; then sample_heat; fi ;; esac
    sleep "$SLOW_S"
  done
}

if [ "${4-}" = once ]; then
  begin fast
  out "$sample" >>samples
  exit 0
fi
choose_zones
choose_clocks
choose_battery
choose_gpu
case $battery in *capacity*temp*) ;; *) slow=battery ;; esac
[ -n "$zones" ] || slow=$slow,heat
begin head
add period "$launch_period"
add slow "${slow#,}"
[ -z "$slow" ] || add slow_period "$SLOW_S"
out "$sample" >>samples
[ -z "$slow" ] || slow_lane &
while alive "$super" "$super_start"; do
  pause=$launch_period
  if may_sample; then
    sample_fast
  elif must_look; then
    read_fast
    pause=$SLOW_S
  fi
  sleep "$pause"
done
