// Command testreport reads the output of "go test -json" and prints what "go test" would: a line for each package, and
// all that failing tests said. At the end it counts the tests and names every one that was skipped, with its reason:
// "go test" itself says nothing of those unless asked to tell everything. It exits with 1 if a test failed, or none
// ran.
//
// It reads its standard input, or the files that it is given, all at once: these may be pipes of tests that run at the
// same time.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	from := []io.Reader{os.Stdin}
	if files := os.Args[1:]; len(files) > 0 {
		from = nil
		for _, file := range files {
			from = append(from, &pipe{path: file})
		}
	}
	ok, err := report(os.Stdout, from...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// pipe is a file that is opened when it is read: opening a named pipe waits until something is written to it.
type pipe struct {
	path string
	file *os.File
}

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (n int, err error) {
	if p.file == nil {
		if p.file, err = os.Open(p.path); err != nil {
			return 0, err
		}
	}
	return p.file.Read(b)
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
	running                  int    // packages
	ran                      []bool // of each stream: whether a test ran
	ok                       bool
}

// report copies streams and reports whether all went well.
func report(out io.Writer, from ...io.Reader) (ok bool, err error) {
	r := &reporter{out: out, said: map[test]*strings.Builder{}, ran: make([]bool, len(from)), ok: true}
	type line struct {
		from int
		text []byte
		err  error
	}
	lines := make(chan line)
	for i, in := range from {
		go func() {
			buffered := bufio.NewReader(in)
			for {
				text, err := buffered.ReadBytes('\n')
				lines <- line{i, text, err}
				if err != nil {
					return
				}
			}
		}()
	}
	for open := len(from); open > 0; {
		l := <-lines
		if l.err != nil {
			open--
			if l.err != io.EOF {
				err = errors.Join(err, fmt.Errorf("reading the tests' output: %w", l.err))
			}
		}
		if len(l.text) == 0 {
			continue
		}
		var e event
		if json.Unmarshal(l.text, &e) != nil {
			// Not from the tests: go itself has something to say.
			fmt.Fprintf(out, "%s", l.text)
			continue
		}
		r.take(e)
		r.ran[l.from] = r.ran[l.from] || e.Test != "" && (e.Action == "pass" || e.Action == "fail")
	}
	if err != nil {
		return false, err
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
	if slices.Contains(r.ran, false) {
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
