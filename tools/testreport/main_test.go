package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The streams come from go itself, so that a change of its format is noticed.
func TestReport(t *testing.T) {
	const head = "package p\nimport (\"testing\"; \"os\")\nvar _ = os.Exit\n"
	for name, test := range map[string]struct {
		source string
		ok     bool
		has    []string
		hasNot []string
	}{
		"all passed": {
			"func TestA(t *testing.T) { t.Log(\"chatter\"); t.Run(\"sub\", func(t *testing.T) {}) }",
			true, []string{"ok  \texample.test/p\t", "2 tests passed, 0 failed, 0 skipped, in 1 packages"}, []string{"chatter", "=== RUN", "PASS"},
		},
		"one failed": {
			"func TestA(t *testing.T) { t.Log(\"chatter\") }\nfunc TestB(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"broken\") }) }",
			false, []string{"broken", "--- FAIL: TestB/sub", "FAIL\texample.test/p\t", "1 tests passed, 2 failed, 0 skipped"}, []string{"chatter"},
		},
		"one skipped": {
			"func TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Skip(\"no moon tonight\") }) }",
			true, []string{"skipped: example.test/p TestB/sub: p_test.go:", "no moon tonight\n", "2 tests passed, 0 failed, 1 skipped"}, []string{"--- SKIP"},
		},
		"panic": {
			"func TestA(t *testing.T) { println(\"last words\"); panic(\"out of cheese\") }",
			false, []string{"last words", "out of cheese", "FAIL\texample.test/p\t"}, nil,
		},
		"process ended": {
			"func TestA(t *testing.T) { println(\"last words\"); os.Exit(3) }",
			false, []string{"last words", "FAIL\texample.test/p\t", "1 failed"}, nil,
		},
		"too late": {
			"func TestA(t *testing.T) { println(\"last words\"); <-t.Context().Done() }",
			false, []string{"last words", "panic: test timed out", "FAIL\texample.test/p\t"}, nil,
		},
		"not compiled": {
			"func TestA(t *testing.T) { nonsense() }",
			false, []string{"undefined: nonsense", "FAIL\texample.test/p [build failed]", "no test ran"}, nil,
		},
		"none":         {"", false, []string{"no test ran"}, nil},
		"no such test": {"func Example() {}", false, []string{"no test ran"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{"go.mod": "module example.test/p\ngo 1.26\n", "p_test.go": head + test.source + "\n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "-timeout=2s", ".")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
			stream, _ := cmd.Output() // fails where the tests do
			var out strings.Builder
			ok, err := report(&out, strings.NewReader(string(stream)))
			if err != nil {
				t.Fatal(err)
			}
			if ok != test.ok {
				t.Errorf("reported ok = %v, want %v", ok, test.ok)
			}
			for _, s := range test.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the report lacks %q", s)
				}
			}
			for _, s := range test.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("the report has %q", s)
				}
			}
			if t.Failed() {
				t.Logf("the report:\n%s", &out)
			}
		})
	}
}

// A stream that is cut off, as when go test is killed, is not taken for success.
func TestReportCutOff(t *testing.T) {
	const begin = `{"Action":"start","Package":"p"}
{"Action":"pass","Package":"p","Test":"TestA"}
`
	for stream, want := range map[string]string{
		begin: "1 packages did not end",
		begin + `{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}` + "\n": "p TestB did not end",
	} {
		var out strings.Builder
		ok, err := report(&out, strings.NewReader(stream))
		if ok || err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("reported %v, %v, without %q:\n%s", ok, err, want, &out)
		}
	}
}

// Streams of tests that run at once make one report, and one in which none ran is not hidden by the other.
func TestReportOfSeveral(t *testing.T) {
	dir := t.TempDir()
	stream := func(pkg, actions string) string {
		var text strings.Builder
		for action := range strings.FieldsSeq(actions) {
			fmt.Fprintf(&text, `{"Action":%q,"Package":%q,"Test":"TestA"}`+"\n", action, pkg)
		}
		file := filepath.Join(dir, pkg)
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	one, other, none := stream("one", "run pass"), stream("other", "run skip run pass"), stream("none", "")
	for _, c := range []struct {
		files []string
		ok    bool
		has   string
	}{
		{[]string{one, other}, true, "2 tests passed, 0 failed, 1 skipped"},
		{[]string{one, none}, false, "no test ran"},
		{[]string{one, stream("broken", "run fail")}, false, "1 tests passed, 1 failed"},
	} {
		var out strings.Builder
		var from []io.Reader
		for _, file := range c.files {
			from = append(from, &pipe{path: file})
		}
		if ok, err := report(&out, from...); ok != c.ok || err != nil || !strings.Contains(out.String(), c.has) {
			t.Errorf("%v: reported %v, %v, without %q:\n%s", c.files, ok, err, c.has, &out)
		}
	}
	if _, err := report(io.Discard, &pipe{path: filepath.Join(dir, "absent")}); err == nil {
		t.Error("a file that is absent is not told")
	}
}
