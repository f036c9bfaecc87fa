// Command testreport reads the output of "go test -json" and prints what "go test" would: a line for each package, and
// all that failing tests said. At the end it counts the tests and names every one that was skipped, with its reason:
// "go test" itself says nothing of those unless asked to tell everything. It exits with 1 if a test failed, or none
// ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	ok, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// event is one line of the stream ("go doc test2json", "go help buildjson").
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build's output
	Test       string
	Output     string
}

type test struct{ pkg, name string }

// reporter keeps what was said until it is known whether it is wanted.
type reporter struct {
	out     io.Writer
	said    map[test]*strings.Builder
	order   []test // of the keys of said
	skipped []string

	passed, failed, packages int
	running                  int // packages
	ok                       bool
}

// report copies a stream and reports whether all went well.
func report(in io.Reader, out io.Writer) (ok bool, err error) {
	r := &reporter{out: out, said: map[test]*strings.Builder{}, ok: true}
	lines := bufio.NewReader(in)
	for err == nil {
		var line []byte
		line, err = lines.ReadBytes('\n')
		if len(line) == 0 {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			// Not from the tests: go itself has something to say.
			fmt.Fprintf(out, "%s", line)
			continue
		}
		r.take(e)
	}
	if err != io.EOF {
		return false, fmt.Errorf("reading the tests' output: %w", err)
	}
	r.close()
	return r.ok, nil
}

func (r *reporter) take(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "start":
		r.running++
	case "output":
		if r.said[key] == nil {
			r.said[key] = &strings.Builder{}
			r.order = append(r.order, key)
		}
		r.said[key].WriteString(e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.ok = false
	case "pass":
		if e.Test == "" {
			r.packages++
			r.endPackage(e.Package, false)
			return
		}
		r.passed++
		r.drop(key)
	case "skip":
		if e.Test == "" { // no test files
			r.endPackage(e.Package, false)
			return
		}
		r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.drop(key))))
	case "fail":
		r.ok = false
		if e.Test == "" {
			r.packages++
			r.endPackage(e.Package, true)
			return
		}
		r.failed++
		fmt.Fprint(r.out, r.drop(key))
	}
}

// drop forgets what a test said and returns it.
func (r *reporter) drop(key test) string {
	b := r.said[key]
	if b == nil {
		return ""
	}
	delete(r.said, key)
	return b.String()
}

// endPackage prints the package's closing line; if it failed, everything that it and its unfinished tests said.
func (r *reporter) endPackage(pkg string, failed bool) {
	r.running--
	rest := r.order[:0]
	for _, key := range r.order {
		if key.pkg != pkg {
			if r.said[key] != nil {
				rest = append(rest, key)
			}
			continue
		}
		text := r.drop(key)
		if failed {
			if key.name != "" && text != "" {
				r.failed++ // the process ended during it
			}
			fmt.Fprint(r.out, text)
			continue
		}
		for line := range strings.Lines(text) {
			if key.name == "" && (strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t")) {
				fmt.Fprint(r.out, line)
			}
		}
	}
	r.order = rest
}

func (r *reporter) close() {
	// A stream that was cut off leaves packages and tests that never ended.
	if r.running > 0 {
		r.ok = false
		fmt.Fprintf(r.out, "%d packages did not end\n", r.running)
	}
	for _, key := range r.order {
		if text := r.drop(key); text != "" {
			r.ok = false
			fmt.Fprintf(r.out, "%s %s did not end:\n%s", key.pkg, key.name, text)
		}
	}
	fmt.Fprintf(r.out, "\n%d tests passed, %d failed, %d skipped, in %d packages\n", r.passed, r.failed, len(r.skipped), r.packages)
	for _, s := range r.skipped {
		fmt.Fprintln(r.out, "skipped:", s)
	}
	if r.passed+r.failed == 0 {
		r.ok = false
		fmt.Fprintln(r.out, "no test ran")
	}
}

// reason returns what a skipped test said, in one line, without the marks that go test puts around it.
func reason(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- SKIP") {
			continue
		}
		lines = append(lines, line)
	}
	if lines == nil {
		return "no reason given"
	}
	return strings.Join(lines, " ")
}
