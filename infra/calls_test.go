package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/infra/host/schema"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/internal/golden"
	"dossier.example/plan/permissions"
)

// app is the program that the instances and the jump server run.
const app = "dossier.example/app/cmd/dossier"

// deployed are the programs that run with the rights of who deploys, and the package of the stack that asks AWS itself.
var deployed = []string{"dossier.example/infra/cmd/prepare", "dossier.example/infra/cmd/rollout",
	"dossier.example/infra/cmd/runcommand", "dossier.example/infra/preflight"}

// programCalls is what each of these can call, found in their source.
var programCalls = sync.OnceValues(func() (map[string][]permissions.Call, error) {
	programs, err := permissions.Calls(context.Background(), repository, append([]string{app}, deployed...)...)
	calls := map[string][]permissions.Call{}
	for _, p := range programs {
		calls[p.Path] = p.Calls
	}
	return calls, err
})

// callsOf is what a program can call.
func callsOf(t *testing.T, program string) []permissions.Call {
	t.Helper()
	calls, err := programCalls()
	if err != nil {
		t.Fatal(err)
	}
	return calls[program]
}

// TestProgramCalls keeps the list of what the programs call, which is documentation too.
func TestProgramCalls(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("The operations of AWS that each program of this repository can call, found in its source by package " +
		"permissions.\nMade by: go test ./infra -run '^TestProgramCalls$' -update\n")
	for _, program := range append([]string{app}, deployed...) {
		fmt.Fprintf(&b, "\n%s\n%s", program, listed(t, callsOf(t, program)))
	}
	golden.Compare(t, update, filepath.Join("testdata", "calls.txt"), b.String())
}

// TestScriptCalls keeps the list of what the hosts' own scripts call.
func TestScriptCalls(t *testing.T) {
	instance, err := userdata.App{
		Region: "eu-central-1", Bucket: "dossier-dev-releases", Key: "releases/" + strings.Repeat("a", 64) +
			"/release.tar.gz",
		SHA256: strings.Repeat("a", 64), Parameters: "/dossier/dev", Group: "dossier-dev-app", Hook: "ready",
		LogGroup: "/dossier/dev/app",
		Port:     8080, ShutdownTimeout: 30 * time.Second, StopTimeout: time.Minute, BootTimeout: 15 * time.Minute,
	}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	ssh, err := userdata.Jump{Region: "eu-central-1", HostKeyParameter: "/dossier/dev/jump/host-key"}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	noSSH, err := userdata.Jump{Region: "eu-central-1"}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	nat, err := userdata.NAT{CIDR: netip.MustParsePrefix("10.0.0.0/16")}.UserData()
	if err != nil {
		t.Fatal(err)
	}
	command, err := schema.Script{
		Region: "eu-central-1", Bucket: "dossier-dev-releases", Parameters: "/dossier/dev",
		ReleaseParameter: "/dossier/dev/release", Wait: time.Minute,
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("The operations of AWS that the scripts of hosts call, found in their text by package permissions.\n" +
		"Made by: go test ./infra -run '^TestScriptCalls$' -update\n")
	for _, s := range []struct{ name, text string }{
		{"user-data of the app's instances", instance}, {"user-data of the jump server, with SSH", ssh},
		{"user-data of the jump server, without SSH", noSSH}, {"user-data of the NAT instance", nat},
		{"schema command", command},
	} {
		calls, err := permissions.ScriptCalls(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		fmt.Fprintf(&b, "\n%s\n%s", s.name, listed(t, calls))
	}
	golden.Compare(t, update, filepath.Join("testdata", "scripts.txt"), b.String())
}

// listed returns calls line by line, and fails where the table of permissions lacks one.
func listed(t *testing.T, calls []permissions.Call) string {
	t.Helper()
	var b strings.Builder
	for _, c := range calls {
		if _, err := permissions.Actions(c); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(&b, "  %s\n", c)
	}
	if len(calls) == 0 {
		b.WriteString("  none\n")
	}
	return b.String()
}
