// Command rename turns this repository into another project: it gives the Go modules a path that others can fetch, and
// the project, its resources, hosts, databases, variables, command and pages a name of their own. "make new" runs it.
//
// It works on the files that Git tracks, and writes nothing before it knows every change. It may be run again with
// another name.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("rename", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		root = flags.String("root", ".", "root of the checkout")
		to   project
	)
	flags.StringVar(&to.name, "name", "", "name of the project, such as acme")
	flags.StringVar(&to.module, "module", "", "path of the Go modules, such as github.com/acme/files")
	flags.StringVar(&to.title, "title", "", `name in pages and documents (default: the capitalized name, such as "Acme")`)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: run %s", flags.Arg(0), example)
	}
	if to.title == "" {
		to.title = capital(to.name)
	}
	tree, err := open(ctx, *root)
	if err != nil {
		return err
	}
	if err := to.check(tree); err != nil {
		return err
	}
	done, err := tree.rename(to)
	if err != nil {
		return err
	}
	return done.write(stdout)
}
