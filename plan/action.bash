#!/usr/bin/env bash
# What action.yml runs: builds the command and makes the plan, with the action's inputs as variables. macOS has Bash
# 3.2.
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

# base finds what HEAD^1 stands for: the base of the change, also where its merge into that is not what is checked out.
base() {
  if [[ ${GITHUB_EVENT_NAME:-} == pull_request_target ]]; then
    none "it runs on pull_request_target, with a token and secrets that code of a pull request must not have"
    return 1
  fi
  if [[ $BASE != HEAD^1 || -z ${GITHUB_EVENT_NAME:-} ]] ||
    [[ $GITHUB_EVENT_NAME == pull_request && $(git -C "$ROOT" rev-parse HEAD) == "${GITHUB_SHA:-}" ]]; then
    return
  fi
  BASE=${EVENT_BASE:-}
  if [[ ! $BASE =~ [1-9a-f] ]]; then # a new branch has zeros
    none "the event $GITHUB_EVENT_NAME tells no base, so the input base has to"
    return 1
  fi
}

# plan builds the command and makes the plan.
plan() {
  base || return 1
  if [[ -n ${PROGRAM:-} ]]; then
    none "the program that makes it does not compile"
    go build -C "$ROOT" -buildvcs=false -o "$RUNNER_TEMP/stackplan" "./$PROGRAM" || return 1
  else
    none "the command does not compile here"
    # With the versions of this module alone, whatever the repository's workspace has.
    GOWORK=off go build -C "$ACTION" -buildvcs=false -o "$RUNNER_TEMP/stackplan" ./cmd/plan || return 1
  fi
  read -r -d '' -a flags <<< "${FLAGS:-}" || true # of all lines
  local made=0
  "$RUNNER_TEMP/stackplan" --root "$ROOT" --base "$BASE" ${flags[@]+"${flags[@]}"} > "$RUNNER_TEMP/plan.md" || made=$?
  [[ -s $RUNNER_TEMP/plan.md ]] || none "the command ended with status $made and wrote nothing"
  return "$made"
}

# What is said of the change's code is no command of the runner's, which reads them in the log.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
status=0
plan || status=$?
echo "::$token::"
echo "${GITHUB_REF:-}" > "$RUNNER_TEMP/plan.ref" # which of a branch's pull requests it is of
(( status <= 6 )) || status=1 # it was killed
{
  echo "status=$status"
  echo "plan=$RUNNER_TEMP/plan.md"
} >> "$GITHUB_OUTPUT"
cat "$RUNNER_TEMP/plan.md" >> "$GITHUB_STEP_SUMMARY"

fail_on=${FAIL_ON:-}
for failing in ${fail_on//,/ }; do
  if [[ $failing != [1-6] ]]; then
    echo "::error::The input fail-on has $failing, which is no exit status of a plan."
    exit 2
  fi
  if [[ $status == "$failing" ]]; then
    echo "::error::The plan ended with status $status: its comment and the job's summary say why."
    exit "$status"
  fi
done
