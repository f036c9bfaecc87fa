//go:build unix

package servers

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guard is a small shell process that outlives the test's process, however that ends, and then ends the server and
// removes its data. The end is noticed by the closing of a pipe. (Linux could signal the server by itself, but forgets
// to when the server changes its user, and other systems cannot.)
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// Each line read is the process to end; an empty one: none. The server is waited for before its folder goes, at most
// five seconds, because a process that nobody collects counts as alive for ever.
const guardScript = `
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
	kill -KILL "-$pid"
	for _ in 1 2 3 4 5; do kill -0 "$pid" || break; sleep 1; done
fi
rm -rf "$1"
`

// newGuard begins to guard a folder.
func newGuard(dir string) (*guard, error) {
	// No output: "go test" waits for whoever holds its own.
	cmd := exec.Command("/bin/sh", "-c", guardScript, "guard", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting its guard: %w", err)
	}
	return &guard{cmd, pipe}, nil
}

// watch names the process to end; 0 for none.
func (g *guard) watch(pid int) error {
	line := "\n"
	if pid != 0 {
		line = fmt.Sprintln(pid)
	}
	_, err := io.WriteString(g.pipe, line)
	return err
}

// release ends the guard, and with it what it watches.
func (g *guard) release() {
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}
