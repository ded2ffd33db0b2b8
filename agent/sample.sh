#!/system/bin/sh
# sample.sh RUN_ID SUPERVISOR START: appends to `samples` until the supervisor is gone.
# What can be read without a fork is read each second. What only dumpsys gives comes in a slow lane of its own,
# so that a hanging system service delays no sample. Writes nothing else and changes nothing on the phone.
# shellcheck source=agent/lib.sh
. "${0%/*}/lib.sh"
use_run "$1"
super=$2
super_start=$3
SLOW_S=5
cd "$run" || exit "$E_NO_RUN"
launch_period=1 limit_temp_mc='' limit_battery=''
# shellcheck disable=SC1091
. "$run/launch"
number=1
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
  add "$word_key" "${1-}"
}

# begin LANE: uptime counts a suspension, the wall clock steps: the hub compares the two. Uptime is read on both sides
# of the wall clock and of the ticks, of which a suspended CPU counts none: a sampler that was kept waiting in between
# shows no step and no sleep.
begin() {
  sample=$1
  if slurp "$proc/uptime"; then add up "${text%% *}"; fi
  if [ -n "${EPOCHREALTIME-}" ]; then add wall "$EPOCHREALTIME"; else add wall "$(date +%s)"; fi
  if [ "$1" = fast ] && slurp "$proc/stat"; then
    text=${text%%"$newline"*}
    add cpu "${text#cpu  }"
  fi
  if slurp "$proc/uptime"; then add up2 "${text%% *}"; fi
}

is_number() {
  slurp "$1" || return 1
  case $text in '' | - | *[!0-9-]*) return 1 ;; esac
}

# Sets class to what a thermal zone measures, by the names that vendors give; empty where it is no temperature
# (limits of current and voltage, states of charge) or of no interest.
classify_zone() {
  case $1 in
    soc | *-soc | *bcl* | *ibat* | *vbat* | *lvl* | *-step | *-lowf) class= ;;
    *[Bb]att* | *BATT*) class=battery ;;
    *[Ss]kin* | *quiet* | *xo*therm* | mtktsAP) class=skin ;;
    *[Gg][Pp][Uu]* | G3D) class=gpu ;;
    *[Nn][Ss][Pp]* | *[Nn][Pp][Uu]* | *[Tt][Pp][Uu]* | *[Aa][Pp][Uu]*) class=npu ;;
    *[Cc][Pp][Uu]* | BIG | MID | LITTLE | soc[-_]* | tsens_tz* | x86_pkg*) class=cpu ;;
    *) class= ;;
  esac
}

# Sets zones to "TYPE FILE" lines, at most three of a class: phones have up to a hundred zones, and reading them
# heats the very core that is measured.
choose_zones() {
  zones=
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
  done
}

# Sets clocks to the folders of the CPU clusters that can be read.
choose_clocks() {
  clocks=
  for folder in "$sys"/devices/system/cpu/cpufreq/policy*; do
    if is_number "$folder/scaling_cur_freq"; then clocks="$clocks$folder "; fi
  done
  [ -z "$clocks" ] || return 0
  # Kernels before 4.3 know no policies.
  for folder in "$sys"/devices/system/cpu/cpu[0-9]*/cpufreq; do
    if is_number "$folder/scaling_cur_freq"; then clocks="$clocks$folder "; fi
  done
}

# Sets battery to KEY=FILE words for what sysfs lets this user read.
choose_battery() {
  battery=
  for pair in capacity:capacity temp:temp current:current_now voltage:voltage_now; do
    if is_number "$power/${pair#*:}"; then battery="$battery$pair "; fi
  done
}

sample_fast() {
  begin fast
  if slurp "$proc/meminfo"; then add_word mem_kb MemAvailable:; fi
  if slurp "$proc/loadavg"; then add load "${text%% *}"; fi
  for folder in $clocks; do
    name=${folder%/cpufreq}
    name=${name##*/}
    add_file "khz.$name" "$folder/scaling_cur_freq"
    add_file "cap.$name" "$folder/scaling_max_freq"
  done
  for pair in $battery; do add_file "battery.${pair%:*}" "$power/${pair#*:}"; done
  # Type and file stand in turn; neither holds a blank.
  zone=
  for item in $zones; do
    if [ -z "$zone" ]; then zone=$item; else add_file "zone.$zone" "$item"; zone=; fi
  done
  sample_workload
  out "$sample" >>samples
}

sample_workload() {
  while [ -f "$number/exit" ]; do number=$((number + 1)); done
  slurp "$number/pid" || return 0
  slurp "/proc/${text%% *}/status" || return 0
  add_word rss_kb VmRSS:
  add_word threads Threads:
}

# dumpsys battery: "  level: 97", "  temperature: 310"; one vendor adds "pad level: -1" after it.
sample_battery() {
  text=$(timeout 4 dumpsys battery 2>/dev/null) || return 0
  begin_kept battery
  for pair in capacity:level temp:temperature voltage:voltage status:status; do
    text=$kept
    add_word "battery.${pair%:*}" "$newline  ${pair#*:}:"
  done
  out "$sample" >>samples
}

# dumpsys thermalservice: "Thermal Status: 0", then cached values, which are stale, then
# "Current temperatures from HAL:" and lines of "Temperature{mValue=38.2, mType=3, mName=skin, mStatus=0}".
sample_thermal() {
  text=$(timeout 4 dumpsys thermalservice 2>/dev/null) || return 0
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
    item=${item#*mValue=}
    case $name in '' | *[!A-Za-z0-9._-]*) ;; *) add "hal.$name" "${item%%,*}" ;; esac
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
    case "$battery" in *capacity*temp*) ;; *) sample_battery ;; esac
    if [ -z "$zones" ]; then
      sleep 1
      sample_thermal
    fi
    sleep "$SLOW_S"
  done
}

choose_zones
choose_clocks
choose_battery
begin head
add period "$launch_period"
out "$sample" >>samples
case "$battery:$zones" in
  *capacity*temp*:?*) ;;
  *) slow_lane & ;;
esac
while alive "$super" "$super_start"; do
  sample_fast
  sleep "$launch_period"
done
