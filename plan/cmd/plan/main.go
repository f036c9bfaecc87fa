// Plan tells what a change makes of the stacks of a Pulumi program in Go on AWS; see package cli. It knows a repository
// by its Pulumi.yaml alone.
package main

import "dossier.example/plan/cli"

func main() { cli.Main(cli.Project{}) }
