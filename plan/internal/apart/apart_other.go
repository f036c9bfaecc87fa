//go:build !linux

package apart

import (
	"context"
	"net"
	"os/exec"
)

// Isolated returns why programs of this process are not apart from the network, the processes and the files of this
// system.
func Isolated() string { return "only Linux gives processes namespaces of their own" }

// ClockMoves returns why programs of this process cannot be given a clock that goes otherwise.
func ClockMoves() string { return "only on Linux a program can be given another clock" }

// MemoryOfSystem is how much memory there is, in bytes; 0: that is not known.
func MemoryOfSystem() uint64 { return 0 }

// Main is where the starter of programs would be, which this system does without.
func Main(func(net.Listener)) {}

func command(ctx context.Context, p Program, _ string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, p.Path, p.Args...)
	cmd.Dir, cmd.Env = p.Dir, p.Env
	together(cmd)
	return cmd, nil
}
