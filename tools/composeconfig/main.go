// Composeconfig reads a Compose file as Docker Compose does, refuses what the specification does not know, and prints
// what it comes to as JSON, as "docker compose config --format json" would. A test of the app looks at that, on
// machines without Docker.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: composeconfig FILE")
		os.Exit(2)
	}
	text, err := config(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "composeconfig: %v\n", err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(append(text, '\n'))
}

func config(ctx context.Context, file string) ([]byte, error) {
	options, err := cli.NewProjectOptions([]string{file})
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, err
	}
	return project.MarshalJSON()
}
