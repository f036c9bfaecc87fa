#!/usr/bin/env bash
# What action.yml runs: builds the command and makes the plan, with the action's inputs as variables.
set -euo pipefail
shopt -u nullglob
set -f # a flag is no pattern

: "${ACTION:?}" "${BASE:?}" "${ROOT:?}" "${RUNNER_TEMP:?}" "${GITHUB_OUTPUT:?}" "${GITHUB_STEP_SUMMARY:?}"

restriction=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [[ ${ISOLATE:-} == true && -e $restriction && $(<"$restriction") != 0 ]]; then
  sudo -n sysctl -q -w kernel.apparmor_restrict_unprivileged_userns=0 ||
    echo "::warning::The programs of the change are not isolated: this runner gives them no namespaces of their own."
fi

# none writes that there is no plan, so that the one of a former commit does not stay as if it were of this one.
none() {
  printf '## Plan: there is none\n\n> [!CAUTION]\n> **No plan could be made**: %s. The job'"'"'s log says why.\n' "$1" \
    > "$RUNNER_TEMP/plan.md"
}

if [[ -n ${PROGRAM:-} ]]; then
  none "the program that makes it does not compile"
  go build -C "$ROOT" -o "$RUNNER_TEMP/stackplan" "./$PROGRAM"
else
  # With the versions of this module alone, whatever the repository's workspace has.
  GOWORK=off go build -C "$ACTION" -o "$RUNNER_TEMP/stackplan" ./cmd/plan
fi

read -ra flags <<< "${FLAGS:-}"
status=0
"$RUNNER_TEMP/stackplan" --root "$ROOT" --base "$BASE" "${flags[@]}" > "$RUNNER_TEMP/plan.md" || status=$?
[[ -s $RUNNER_TEMP/plan.md ]] || none "the command ended with status $status and wrote nothing"
{
  echo "status=$status"
  echo "plan=$RUNNER_TEMP/plan.md"
} >> "$GITHUB_OUTPUT"
cat "$RUNNER_TEMP/plan.md" >> "$GITHUB_STEP_SUMMARY"

for failing in ${FAIL_ON:-}; do
  if [[ $status == "$failing" ]]; then
    echo "::error::The plan ended with status $status: its comment and the job's summary say why."
    exit "$status"
  fi
done
