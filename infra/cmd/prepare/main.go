// Prepare makes an account ready for an environment; see package prepare. "pulumi up" runs it.
//
//	prepare --region us-east-1 --database dossier-dev
//
// The exit status is 0 when the account is ready, 1 when something failed, and 2 for a wrong command line.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"

	"dossier.example/infra/prepare"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx)
	stop()
	os.Exit(status)
}

func run(ctx context.Context) int {
	flags := flag.NewFlagSet("prepare", flag.ExitOnError)
	var region, database string
	flags.StringVar(&region, "region", "", "the AWS region")
	flags.StringVar(&database, "database", "", "the identifier of the database")
	_ = flags.Parse(os.Args[1:]) // exits by itself, with 2
	if region == "" || database == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "prepare: --region and --database are required, and no other arguments")
		return 2
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err == nil {
		err = prepare.Run(ctx, cfg, database, os.Stdout, nil)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "prepare: %v\n", err)
		return 1
	}
	return 0
}
