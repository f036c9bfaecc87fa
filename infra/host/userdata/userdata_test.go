package userdata

import (
	"errors"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier.example/infra/internal/golden"
	"dossier.example/infra/internal/testservers"
)

var update = golden.Update()

// devApp is what the preset dev comes to.
func devApp() App {
	return App{
		Region: "eu-central-1", Bucket: "dossier-dev-releases-123456789012",
		Key:        "releases/" + strings.Repeat("0123456789abcdef", 4) + "/release.tar.gz",
		SHA256:     strings.Repeat("0123456789abcdef", 4),
		Parameters: "/dossier/dev", Group: "dossier-dev-app", Hook: "ready", LogGroup: "/dossier/dev/app", Port: 8080,
		ShutdownTimeout: 30 * time.Second, StopTimeout: time.Minute, BootTimeout: 10 * time.Minute,
	}
}

// longestApp has every field as long as it is allowed to be.
func longestApp() App {
	long := func(n int) string { return strings.Repeat("x", n) }
	return App{
		Region: "abcd-northwestern-southern-99", Bucket: long(63), Key: long(1024),
		SHA256: strings.Repeat("f", 64), Parameters: "/" + long(parameterLength-1), Group: long(255), Hook: long(255),
		LogGroup: long(512),
		Port:     65535, ShutdownTimeout: 24 * time.Hour, StopTimeout: 25 * time.Hour, BootTimeout: MaxBootTimeout,
	}
}

func devJump() Jump {
	return Jump{Region: "eu-central-1", HostKeyParameter: "/dossier/dev/jump/host-key"}
}

func devNAT() NAT { return NAT{CIDR: netip.MustParsePrefix("10.20.0.0/16")} }

// rendered returns the user-data of every kind of host, by the name of its golden file.
func rendered(t *testing.T) map[string]string {
	t.Helper()
	scripts := map[string]string{}
	for name, host := range map[string]interface{ UserData() (string, error) }{
		"app.bash": devApp(), "jump.bash": devJump(), "jump-closed.bash": Jump{Region: "eu-central-1"},
		"nat.bash": devNAT(),
	} {
		script, err := host.UserData()
		if err != nil {
			t.Fatal(err)
		}
		scripts[name] = script
	}
	return scripts
}

func TestUserDataIsGolden(t *testing.T) {
	for name, got := range rendered(t) {
		t.Run(name, func(t *testing.T) {
			golden.Compare(t, update, filepath.Join("testdata", name+".golden"), got)
		})
	}
}

// The same values give the same bytes: else every preview would show a new launch template.
func TestUserDataIsStable(t *testing.T) {
	first := rendered(t)
	for range 20 {
		for name, script := range rendered(t) {
			if script != first[name] {
				t.Fatalf("%s differs from one rendering to the next", name)
			}
		}
	}
}

func TestUserDataFitsAtItsWorst(t *testing.T) {
	script, err := longestApp().UserData()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the longest user-data of the app has %d of %d bytes", len(script), MaxUserData)
	if len(script) > MaxUserData {
		t.Errorf("%d bytes, more than the %d that EC2 takes", len(script), MaxUserData)
	}
	script, err = Jump{Region: longestApp().Region, HostKeyParameter: longestApp().Parameters}.UserData()
	if err != nil || len(script) > MaxUserData {
		t.Errorf("jump server: %d bytes, %v", len(script), err)
	}
}

func TestUserDataTooLongIsRefused(t *testing.T) {
	a := devApp()
	a.Key = strings.Repeat("k", MaxUserData)
	if _, err := a.script(time.Minute); err == nil || !strings.Contains(err.Error(), "at most 16384") {
		t.Errorf("got %v", err)
	}
}

// No two files within a script may end one another.
func TestFilesWithinEndOnce(t *testing.T) {
	for name, script := range rendered(t) {
		begun := strings.Count(script, "<<'"+endOfFile+"'\n")
		ended := 0
		for line := range strings.Lines(script) {
			if line == endOfFile+"\n" {
				ended++
			}
		}
		if begun != ended {
			t.Errorf("%s: %d files begin, %d end", name, begun, ended)
		}
	}
}

func TestUserDataHoldsNoSecret(t *testing.T) {
	suspicious := regexp.MustCompile(
		`(?i)password=|secret=|passwd=|BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|aws_secret_access_key`)
	for name, script := range rendered(t) {
		if found := suspicious.FindString(script); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
		if regexp.MustCompile(`(?m)^\s*set -[a-z]*x`).MatchString(script) {
			t.Errorf("%s prints what it runs", name)
		}
	}
}

func TestShellcheck(t *testing.T) {
	require(t, "shellcheck")
	scripts := rendered(t)
	longest, err := longestApp().UserData()
	if err != nil {
		t.Fatal(err)
	}
	scripts["app-longest.bash"] = longest
	// The scripts that they carry within themselves are checked as files of their own.
	carried := regexp.MustCompile(`(?ms)^\s*put 0755 (\S+) <<'` + endOfFile + `'\n(#!.*?)^` + endOfFile + `\n`)
	n := 0
	for _, name := range []string{"app.bash", "nat.bash"} {
		for _, m := range carried.FindAllStringSubmatch(scripts[name], -1) {
			scripts[filepath.Base(m[1])] = m[2]
			n++
		}
	}
	if n != 3 {
		t.Fatalf("%d scripts are carried within others, want 3", n)
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "shellcheck", "--norc",
				"--enable=quote-safe-variables,require-double-brackets", "-")
			if strings.HasPrefix(script, "#!/bin/sh") {
				cmd.Args = []string{"shellcheck", "--norc", "-"}
			}
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	script, err := devApp().UserData()
	if err != nil {
		t.Fatal(err)
	}
	if bucket, key, found := Release(script); !found || bucket != devApp().Bucket || key != devApp().Key {
		t.Errorf("the user-data names s3://%s/%s, %t", bucket, key, found)
	}
	jump, err := devJump().UserData()
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]string{
		"nothing": "", "another host's": jump, "two keys": script + "bucket='b'\nkey='k'\n",
		"another order": "key='k'\nbucket='b'\n", "no quotes": "bucket=b\nkey=k\n",
	} {
		if bucket, key, found := Release(other); found {
			t.Errorf("%s: s3://%s/%s was found", name, bucket, key)
		}
	}
}

func TestFieldsAreRefused(t *testing.T) {
	hostile := []string{"", "a b", "a'b", `a"b`, "a$b", "a`b`", "a\nb", "a\n" + endOfFile + "\nb", "a;b", "a%b", "a\\b",
		"-a", "é", "a\x00b", "a&b", "a|b", "$(id)", "a\n"}
	for field, set := range map[string]func(*App, string){
		"Region":     func(a *App, s string) { a.Region = s },
		"Bucket":     func(a *App, s string) { a.Bucket = s },
		"Key":        func(a *App, s string) { a.Key = s },
		"SHA256":     func(a *App, s string) { a.SHA256 = s },
		"Parameters": func(a *App, s string) { a.Parameters = s },
		"Group":      func(a *App, s string) { a.Group = s },
		"Hook":       func(a *App, s string) { a.Hook = s },
		"LogGroup":   func(a *App, s string) { a.LogGroup = s },
	} {
		for _, value := range hostile {
			a := devApp()
			set(&a, value)
			if _, err := a.UserData(); err == nil || !strings.Contains(err.Error(), "App."+field) {
				t.Errorf("%s = %q: got %v", field, value, err)
			}
		}
	}
	for _, value := range hostile[1:] {
		if _, err := (Jump{Region: "eu-central-1", HostKeyParameter: value}).UserData(); err == nil {
			t.Errorf("HostKeyParameter = %q is taken", value)
		}
		if _, err := (Jump{Region: value}).UserData(); err == nil {
			t.Errorf("Jump.Region = %q is taken", value)
		}
	}
}

func TestFieldsOutOfBounds(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*App)
	}{
		{"Bucket", func(a *App) { a.Bucket = strings.Repeat("b", 64) }},
		{"Key", func(a *App) { a.Key = strings.Repeat("k", 1025) }},
		{"SHA256", func(a *App) { a.SHA256 = strings.Repeat("A", 64) }},
		{"Parameters", func(a *App) { a.Parameters = "/" + strings.Repeat("p", parameterLength) }},
		{"Parameters", func(a *App) { a.Parameters = strings.Repeat("/p", 16) }},
		{"Parameters", func(a *App) { a.Parameters = "dossier/dev" }},
		{"Parameters", func(a *App) { a.Parameters = "/dossier/dev/" }},
		{"Group", func(a *App) { a.Group = strings.Repeat("g", 256) }},
		{"Hook", func(a *App) { a.Hook = strings.Repeat("h", 256) }},
		{"LogGroup", func(a *App) { a.LogGroup = strings.Repeat("l", 513) }},
		{"Port", func(a *App) { a.Port = 1023 }},
		{"Port", func(a *App) { a.Port = 65536 }},
		{"ShutdownTimeout", func(a *App) { a.ShutdownTimeout = 0 }},
		{"ShutdownTimeout", func(a *App) { a.ShutdownTimeout = 1500 * time.Millisecond }},
		{"StopTimeout", func(a *App) { a.StopTimeout = a.ShutdownTimeout + StopMargin - time.Second }},
		{"BootTimeout", func(a *App) { a.BootTimeout = 2*BootMargin - time.Second }},
		{"BootTimeout", func(a *App) { a.BootTimeout = MaxBootTimeout + time.Second }},
	} {
		a := devApp()
		c.change(&a)
		if _, err := a.UserData(); err == nil || !strings.Contains(err.Error(), "App."+c.field) {
			t.Errorf("%s: got %v", c.field, err)
		}
	}
	for _, cidr := range []netip.Prefix{{}, netip.MustParsePrefix("10.0.0.1/16"), netip.MustParsePrefix("fd00::/64")} {
		if _, err := (NAT{CIDR: cidr}).UserData(); err == nil {
			t.Errorf("NAT.CIDR = %v is taken", cidr)
		}
	}
}

// All faults are told at once.
func TestFaultsAreToldTogether(t *testing.T) {
	_, err := App{}.UserData()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) < 13 {
		t.Fatalf("got %v", err)
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "plain", "a b", "it's", `"$HOME"`, "`id`", "a\nb", `\`, "'", "''", "*", "-n"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q came out as %q, %v", s, out, err)
		}
	}
}

// require ends the test where a program that it needs is not installed: as failed where everything has to run, else as
// skipped.
func require(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			testservers.Missing(t, p+" is not installed")
		}
	}
}
