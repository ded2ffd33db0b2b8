# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154
# What a phone must be before a launch; sourced by supervise.sh. Looks by itself: the sampler's figures may be old.
# Nothing is measured meanwhile, so here dumpsys costs nothing.
GATE_LOOK_S=1
# Looks between two of dumpsys.
GATE_SLOW=5
# Unanswered questions after which a phone counts as one that does not tell.
GATE_SILENCES=3
first_caps='' hardware='' gate_battery='' gate_silent=0 clocks=''

# pass_gate: returns when the phone is as the launch wants it, when it has waited long enough, or at a stop. Sets
# gate_lines to what the launch's exit says of it, each line with its newline.
pass_gate() {
  gate_lines=
  [ -n "$launch_gated" ] && [ -n "$gate_temp_mc" ] || return 0
  read_uptime
  gate_begun=$uptime gate_looks=0 gate_heat='' gate_silent=0 timed_out=0
  while :; do
    look_at_phone
    if is_cool; then break; fi
    # For `ctl.sh status`: what the launch waits for.
    publish "$run/gate" "waiting=gate${newline}gate_begun=$gate_begun${newline}gate_zone=$gate_seen
gate_temp_mc=$gate_mc${newline}gate_limit_mc=$gate_temp_mc${newline}gate_throttled=$gate_throttled"
    read_uptime
    # Who cannot count the seconds waits for none.
    if [ -z "$uptime" ] || [ -z "$gate_begun" ]; then timed_out=1; break; fi
    if [ $((${uptime%%.*} - ${gate_begun%%.*})) -ge "$gate_cap_s" ]; then timed_out=1; break; fi
    [ -z "$stopping" ] || break
    sleep "$GATE_LOOK_S"
    [ -z "$stopping" ] || break
  done
  rm -f "$run/gate"
  [ -z "$stopping" ] || return 0
  read_uptime
  gate_lines="gate_begun=$gate_begun${newline}gate_passed=$uptime${newline}gate_timed_out=$timed_out
gate_temp_mc=$gate_mc${newline}gate_zone=$gate_seen${newline}gate_throttled=$gate_throttled$newline"
}

# What cannot be told holds nothing up; what did not answer this time may do so the next.
is_cool() {
  [ "$gate_throttled" != 1 ] || return 1
  [ -n "$gate_mc" ] || [ "$gate_silent" -eq 0 ] || [ "$gate_silent" -ge "$GATE_SILENCES" ] || return 1
  [ -z "$gate_mc" ] || [ "$gate_mc" -le "$gate_temp_mc" ]
}

# Sets gate_mc and gate_seen to the warmest that the gate's zone names, and gate_throttled to 1 or 0, empty where the
# phone tells neither its status nor its caps.
look_at_phone() {
  gate_mc='' gate_seen='' gate_throttled=''
  gate_slowly=
  if [ "$gate_looks" -eq 0 ]; then
    gate_slowly=1
    gate_heat=$(timeout 4 dumpsys thermalservice 2>/dev/null </dev/null)
    case $gate_heat in
      *'Thermal Status:'* | *'Temperature{'*) ;;
      *) hardware=$(timeout 4 dumpsys hardware_properties 2>/dev/null </dev/null) ;;
    esac
    # A service that is not there is told of in words.
    case $gate_heat$hardware in '') gate_silent=$((gate_silent + 1)) ;; *) gate_silent=0 ;; esac
  fi
  looks=$((gate_looks + 1))
  if [ "$looks" -lt "$GATE_SLOW" ]; then gate_looks=$looks; else gate_looks=0; fi
  look_at_zones
  look_at_caps
  case $gate_heat in *'Thermal Status:'* | *'Temperature{'*) look_at_thermal ;; *) look_at_hardware ;; esac
  case $gate_mc,$gate_zone in ,skin | ,battery) look_at_battery ;; esac
}

# Every Android tells the warmth of its battery; of a phone that tells no skin it is the nearest.
look_at_battery() {
  if [ -n "$gate_slowly" ]; then gate_battery=$newline$(timeout 4 dumpsys battery 2>/dev/null </dev/null); fi
  # "  temperature: 310": tenths of a degree.
  case $gate_battery in *"$newline  temperature: "*) ;; *) return 0 ;; esac
  text=${gate_battery#*"$newline  temperature: "}
  text=${text%%"$newline"*}
  case $text in '' | *[!0-9-]*) return 0 ;; esac
  warmer battery "${text}00"
}

# warmer NAME MILLIDEGREES: what no sensor can have measured counts for nothing.
warmer() {
  case $2 in '' | - | -*[!0-9]* | *[!0-9-]* | ???????*) return 0 ;; esac
  [ "$2" -lt 250000 ] || return 0
  if [ -z "$gate_mc" ] || [ "$2" -gt "$gate_mc" ]; then gate_mc=$2 gate_seen=$1; fi
}

look_at_zones() {
  for zone in "$sys"/class/thermal/thermal_zone*; do
    slurp "$zone/type" || continue
    name=$text
    class=
    [ "$name" = "$gate_zone" ] || classify_zone "$name"
    [ "$name" = "$gate_zone" ] || [ "$class" = "$gate_zone" ] || continue
    is_number "$zone/temp" || continue
    # Most kernels give milli-degrees, some degrees.
    case $text in ? | ?? | -??) text=${text}000 ;; esac
    warmer "$name" "$text"
  done
  [ "$gate_zone" = battery ] && [ -z "$gate_mc" ] && is_number "$sys/class/power_supply/battery/temp" || return 0
  warmer battery "${text}00"
}

# A cap below that of the list's begin: the phone holds its processor back. By name, for clusters come online and go.
look_at_caps() {
  [ -n "$clocks" ] || choose_clocks
  caps=' '
  for folder in $clocks; do
    name=${folder%/cpufreq}
    if is_number "$folder/scaling_max_freq"; then caps="$caps${name##*/}=$text "; fi
  done
  [ "$caps" != ' ' ] || return 0
  first_caps=${first_caps:-$caps}
  gate_throttled=0
  for first in $first_caps; do
    case $caps in *" ${first%%=*}="*) ;; *) continue ;; esac
    cap=${caps#*" ${first%%=*}="}
    [ "${cap%% *}" -ge "${first#*=}" ] || gate_throttled=1
  done
}

# degrees VALUE: sets milli to it; "38.2", "-3.5", "41"
degrees() {
  milli=
  case $1 in *[!0-9.-]* | '' | *.*.*) return 0 ;; esac
  whole=${1%%.*} tenth=${1#*.}
  [ "$tenth" != "$1" ] || tenth=0
  tenth=${tenth%"${tenth#?}"}
  tenth=${tenth:-0}
  case $whole in
    0 | '') milli=${tenth}00 ;;
    -0 | -) milli=-${tenth}00 ;;
    *) milli=$whole${tenth}00 ;;
  esac
}

# "Thermal Status: 0", then cached values, which are stale, then "Current temperatures from HAL:" and lines of
# "Temperature{mValue=38.2, mType=3, mName=skin, mStatus=0}".
look_at_thermal() {
  case $gate_heat in
    *'Thermal Status:'*)
      # shellcheck disable=SC2086
      set -- ${gate_heat#*'Thermal Status:'}
      case ${1-} in [2-9]) gate_throttled=1 ;; [01]) gate_throttled=${gate_throttled:-0} ;; esac
      ;;
  esac
  case $gate_zone in cpu) type=0 ;; gpu) type=1 ;; battery) type=2 ;; skin) type=3 ;; *) type=none ;; esac
  kept=$gate_heat
  case $kept in *'Current temperatures from HAL:'*) kept=${kept#*'Current temperatures from HAL:'} ;; esac
  kept=${kept%%'Current cooling'*}
  # What sysfs tells now is newer.
  [ -z "$gate_mc" ] || return 0
  while :; do
    case $kept in *'Temperature{'*) ;; *) return 0 ;; esac
    kept=${kept#*'Temperature{'}
    item=${kept%%'}'*}
    name=${item#*mName=}
    name=${name%%,*}
    value=${item#*mValue=}
    degrees "${value%%,*}"
    value=${item#*mType=}
    case $name,${value%%,*} in "$gate_zone",* | *,"$type") warmer "$name" "$milli" ;; esac
  done
}

# Android 8 and 9: "Skin temperatures: [31.5, 30.2]"
look_at_hardware() {
  [ -z "$gate_mc" ] || return 0
  case $gate_zone in cpu) class=CPU ;; gpu) class=GPU ;; battery) class=Battery ;; skin) class=Skin ;; *) return 0 ;; esac
  case $hardware in *"$class temperatures: ["*) ;; *) return 0 ;; esac
  item=${hardware#*"$class temperatures: ["}
  # shellcheck disable=SC2086
  for value in ${item%%]*}; do
    degrees "${value%,}"
    warmer "$class" "$milli"
  done
}
