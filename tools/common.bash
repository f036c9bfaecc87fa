# shellcheck shell=bash
# What the scripts in this folder share; sourced by each. It takes them to the repository's root.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
# shellcheck disable=SC2034 # for those that source this
bin=$root/.tools/bin

# Versions are set by the Makefile. Asking git for one would fail a build in a checkout that belongs to another user, as
# in some CI containers.
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"

# The folders of the modules that go.work names, relative to the root, and the package patterns that cover them.
modules=()
patterns=()
while read -r dir; do
	modules+=("${dir#"$root"/}")
	patterns+=("./${dir#"$root"/}/...")
done < <(go list -m -f '{{.Dir}}')
if [ ${#modules[@]} -eq 0 ]; then exit 1; fi # go has told why

# found succeeds if one of the programs is on PATH, where systems keep daemons, or at the absolute path that is given.
found() {
	local name
	for name in "$@"; do
		if PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/mysql/bin type -P "$name" >/dev/null; then return 0; fi
	done
	return 1
}

# note tells something that a reader of the result must know. Where $NOTES names a file, it is told again at the end.
note() {
	echo "note: $*"
	if [ -n "${NOTES:-}" ]; then echo "$*" >>"$NOTES"; fi
}
