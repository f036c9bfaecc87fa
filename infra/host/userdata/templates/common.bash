{{define "common" -}}
set -Eeuo pipefail
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

# The whole script ends within so many seconds.
budget={{.Budget}}
problem=''
ended=''
trap 'caught "$LINENO" "$BASH_COMMAND"' ERR
trap 'finish $?' EXIT
trap 'fail "stopped by a signal"' HUP INT TERM

say() { printf '%s bootstrap: %s\n' "$(date -u +%FT%TZ)" "$*" >&2; }

# caught LINE COMMAND: keeps what failed first. Of a program run by "within" the shell knows no more than that a
# function returned.
caught() {
	if [[ $2 == return* ]]; then set -- "$1" "$ended"; fi
	problem=${problem:-"line $1: $2"}
}

fail() {
	problem=$*
	exit 1
}

# within SECONDS COMMAND...: runs a program, for so long at most and never past the budget.
within() {
	local limit=$1 left=$((budget - SECONDS)) status=0
	shift
	if ((left < 1)); then return 124; fi
	timeout --kill-after=5 "$((limit < left ? limit : left))" "$@" || status=$?
	if ((status)); then
		ended="status $status of: $*"
		say "$ended"
	fi
	return "$status"
}

# retry TIMES COMMAND...: until it works, with growing waits. A status of 99 means that trying again is of no use.
retry() {
	local times=$1 wait=1 n status
	shift
	for ((n = 1; ; n++)); do
		status=0
		"$@" || status=$?
		if ((status == 0 || status == 99 || n >= times || SECONDS + wait >= budget)); then return "$status"; fi
		sleep "$wait.$((RANDOM % 10))"
		((wait = wait < 16 ? wait * 2 : 30))
	done
}

# verb NUMBER: what systemctl shall do to a unit that changed, or not.
verb() { if (($1)); then echo restart; else echo start; fi; }

# put MODE PATH: makes standard input the content of a file, all at once. changed=1 when that is news.
changed=0
put() {
	local content new
	content=$(cat)
	if [[ -f $2 && $(<"$2") == "$content" ]]; then return 0; fi
	new=$(mktemp "$2.XXXXXX")
	printf '%s\n' "$content" >"$new"
	chmod "$1" "$new"
	mv -f "$new" "$2"
	changed=1
}
{{- end}}
