// Prove compares a deployed stack with its settings, point by point, and prints a table; see package prove.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"dossier.example/infra/prove"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(prove.Command{
		Args: os.Args[1:], Getenv: os.Getenv, ReadFile: os.ReadFile, Stdin: os.Stdin, Stdout: os.Stdout,
		Stderr: os.Stderr,
	}.Run(ctx))
}
