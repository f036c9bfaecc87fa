// Rollout brings a version of the launch template onto the app's Auto Scaling group, waits and verifies; see package
// rollout.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"dossier.example/infra/rollout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(rollout.Command{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}.Run(ctx))
}
