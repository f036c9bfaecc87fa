// Package engine runs a Pulumi program with the real engine and state, against a double of its providers: a gRPC server
// that stands in for AWS, for the command provider, and for those of random texts and keys. Tests import it; it exists
// because a graph (package graph) shows what a program asks for, but not whether a second run changes nothing, in which
// order things come and go, what a change replaces, or what is left after a failure.
//
// The double keeps a cloud of its own and is as strict as it can be: it refuses inputs that the SDK's types do not
// have, what AWS's documented limits forbid, what names something that is not there, and the deletion of what is in
// use.
//
// What it does not prove:
//   - that AWS accepts what the double accepts. Its rules are those that somebody wrote down here, each with its
//     source; quotas of an account, names that are taken elsewhere, service control policies, capacity, prices and
//     regions that lack a feature are unknown to it.
//   - that anything works: no instance boots, no command runs, no request is served, no policy is enforced. What runs
//     on the hosts has tests in packages userdata, schema and rollout; what policies allow has them in package
//     permissions.
//   - how long anything takes, and the consistency of AWS in the meantime: a role can be used here as soon as it was
//     made.
//   - what the real providers make of inputs: they normalise documents, fill in defaults that AWS chooses, and compare
//     with what AWS says. A difference that comes from that, and with it a plan that never ends, is not seen here.
//     Outputs that change by themselves, such as a certificate's status, stay as they were when the resource was made.
package engine

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"dossier.example/plan/internal/workspace"
)

// command returns the Pulumi CLI: the one that "make test-tools" builds into .tools/bin, else the one on PATH. Without
// any it ends the test: as failed where DOSSIER_TEST_REQUIRE=1 is set, else as skipped.
func command(t testing.TB) string {
	t.Helper()
	if root := workspace.Root(); root != "" {
		if found, err := exec.LookPath(filepath.Join(root, ".tools", "bin", "pulumi")); err == nil {
			return found
		}
	}
	found, err := exec.LookPath("pulumi")
	if err == nil {
		return found
	}
	workspace.Missing(t, fmt.Sprintf("pulumi is not installed: %v", err))
	return ""
}
