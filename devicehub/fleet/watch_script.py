"""What a phone that has nothing to do is asked to tell, once a second: a script for any sh from Android 8 on.

It prints lines of the format of a run's `samples` (telemetry/sample.py): the lane `fast` each second,
`battery` where only dumpsys tells of that, `space` now and then. It needs nothing on the phone, forks for its
`sleep` alone where the shell is Android's, and ends when nobody reads it any more.
"""

from __future__ import annotations

from typing import Final

PERIOD_S: Final = 1
SLOW_EVERY: Final = 30
"""So many looks to the next one that needs a program."""

# As in agent/lib.sh: mksh reads a file without a fork by $(<FILE) alone, and forks for printf; a value that
# holds a tab or a newline cannot be told; sizes are text and never computed on.
WATCH_SCRIPT: Final = (
    r"""
proc=${DEVICEHUB_PROC:-/proc} sys=${DEVICEHUB_SYS:-/sys} tab=$(printf '\t') newline='
'
if [ -n "${KSH_VERSION-}" ]; then
  out() { print -r -- "$1"; }
  slurp() { { text=$(<"$1"); } 2>/dev/null; }
else
  out() { printf '%s\n' "$1"; }
  slurp() {
    text=
    while IFS= read -r line || [ -n "$line" ]; do text=$text$line$newline; done 2>/dev/null <"$1" || return 1
    text=${text%"$newline"}
  }
fi
tell() { out "$row" 2>/dev/null || exit; }
add() { case $2 in '' | *"$tab"* | *"$newline"*) ;; *) row=$row$tab$1=$2 ;; esac; }
add_word() {
  case $text in *"$2"*) ;; *) return 0 ;; esac
  key=$1
  set -- ${text#*"$2"}
  add "$key" "${1-}"
}
is_number() { slurp "$1" || return 1; case $text in '' | - | *[!0-9-]*) return 1 ;; esac; }
begin() { row=$1; if slurp "$proc/uptime"; then add up "${text%% *}"; fi; }

clocks='' zones='' gpu='' battery=''
for file in "$sys"/devices/system/cpu/cpufreq/policy*; do
  if is_number "$file/scaling_cur_freq"; then clocks="$clocks$file "; fi
done
[ -n "$clocks" ] || for file in "$sys"/devices/system/cpu/cpu[0-9]*/cpufreq; do
  if is_number "$file/scaling_cur_freq"; then clocks="$clocks$file "; fi
done
skins='' cells=''
for file in "$sys"/class/thermal/thermal_zone*; do
  is_number "$file/temp" || continue
  slurp "$file/type" || continue
  case $text in
    '' | *[!A-Za-z0-9._-]* | soc | *-soc | *bcl* | *ibat* | *vbat* | *lvl* | *-step | *-lowf) ;;
    *[Bb]att* | *BATT*) [ -n "$cells" ] || { cells=1; zones="$zones$text $file/temp "; } ;;
    *[Ss]kin* | *quiet* | *xo*therm* | mtktsAP)
      [ "${#skins}" -ge 3 ] || { skins=x$skins; zones="$zones$text $file/temp "; } ;;
  esac
done
for file in class/kgsl/kgsl-3d0/gpu_busy_percentage class/kgsl/kgsl-3d0/gpubusy \
  class/misc/mali0/device/utilization kernel/gpu/gpu_busy kernel/ged/hal/gpu_utilization; do
  slurp "$sys/$file" || continue
  case $text in [0-9]*) gpu="busy $sys/$file "; break ;; esac
done
for file in class/kgsl/kgsl-3d0/gpuclk class/misc/mali0/device/cur_freq kernel/gpu/gpu_clock; do
  if is_number "$sys/$file"; then gpu="${gpu}clock $sys/$file "; break; fi
done
power=$sys/class/power_supply/battery
for file in capacity temp; do
  if is_number "$power/$file"; then battery="$battery$file $power/$file "; fi
done
[ -z "$battery" ] || battery="${battery}status $power/status "

add_files() {
  prefix=$1
  shift
  while [ "$#" -gt 1 ]; do
    if slurp "$2"; then add "$prefix.$1" "$text"; fi
    shift 2
  done
}
tell_fast() {
  begin fast
  if slurp "$proc/stat"; then
    text=${text%%"$newline"*}
    add cpu "${text#cpu  }"
  fi
  if slurp "$proc/meminfo"; then
    add_word mem_kb MemAvailable:
    add_word mem_total_kb MemTotal:
  fi
  for file in $clocks; do
    name=${file%/cpufreq}
    name=${name##*/}
    if slurp "$file/scaling_cur_freq"; then add "khz.$name" "$text"; fi
    if slurp "$file/scaling_max_freq"; then add "cap.$name" "$text"; fi
  done
  add_files zone $zones
  add_files gpu $gpu
  add_files battery $battery
  tell
}
tell_battery() {
  text=$newline$(timeout 4 dumpsys battery 2>/dev/null)
  told=$text
  begin battery
  for pair in capacity:level temp:temperature status:status; do
    text=$told
    add_word "battery.${pair%:*}" "$newline  ${pair#*:}:"
  done
  tell
}
tell_space() {
  text=$(df -k /data/local/tmp 2>/dev/null)
  told=${text##*"$newline"}
  begin space
  set -- $told
  case ${4-} in '' | *[!0-9]*) return 0 ;; esac
  add free_kb "$4"
  tell
}
beat=0
while :; do
  tell_fast
  if [ "$beat" -le 0 ]; then
    case $battery in *capacity*temp*) ;; *) tell_battery ;; esac
    tell_space
    beat="""
    + str(SLOW_EVERY)
    + r"""
  fi
  beat=$((beat - 1))
  sleep """
    + str(PERIOD_S)
    + """ || exit
done
"""
)
