package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// referring registers a parameter whose value comes of the output of another stack, and whose description is what a
// function answers outside of an output.
const referring = `package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		net, err := pulumi.NewStackReference(ctx, "net", &pulumi.StackReferenceArgs{Name: pulumi.String("org/net/dev")})
		if err != nil {
			return err
		}
		var vpc struct {
			ID string ` + "`pulumi:\"id\"`" + `
		}
		if err := ctx.Invoke("aws:ec2/getVpc:getVpc", map[string]any{"tags": map[string]any{"Name": "main"}},
			&vpc); err != nil {
			return err
		}
		var parameter pulumi.CustomResourceState
		return ctx.RegisterResource("aws:ssm/parameter:Parameter", "subnets", pulumi.Map{
			"type":        pulumi.String("String"),
			"description": pulumi.String(vpc.ID),
			"value": net.GetOutput(pulumi.String("private")).ApplyT(func(any) string {
				return "all"
			}).(pulumi.StringOutput),
		}, &parameter)
	})
}
`

// TestUndecided: what a changed program makes of the outputs of another stack, and which of them it asks for, is not
// known, and that is told.
func TestUndecided(t *testing.T) {
	t.Parallel()
	dir := single(t)
	program := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program(referring)
	gitIn(t, dir, "commit", "--quiet", "--all", "--message", "second")
	for _, c := range []struct {
		name, text string
		status     int
		title      string
	}{
		{"nothing", referring, StatusClean, "## Plan: nothing changes\n"},
		{"something else of the same", strings.Replace(referring, `"all"`, `"one"`, 1), StatusDangerous,
			"## Plan: ❓ not known whether 1 input changes\n"},
		{"another output", strings.Replace(referring, `"private"`, `"public"`, 1), StatusDangerous,
			"## Plan: ❓ not known whether 1 input changes\n"},
		{"another network", strings.Replace(referring, `"main"`, `"other"`, 1), StatusDangerous,
			"## Plan: ❓ 2 changes that nothing here judges; ❓ not known whether 2 inputs change\n"},
	} {
		program(c.text)
		status, out, log := planOf(t, dir)
		if status != c.status || !strings.HasPrefix(out, c.title) {
			t.Errorf("%s: status %d, want %d and %q\n%s\n%s", c.name, status, c.status, c.title, log, out)
		}
	}
}
